CREATE TABLE activitylog (
	id UUID NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	actor TEXT COLLATE "C" NOT NULL,
	action TEXT COLLATE "C" NOT NULL,
	doctype TEXT COLLATE "C" NOT NULL,
	document_id UUID NOT NULL,
	version BIGINT NOT NULL,
	request_id UUID NOT NULL,
	source TEXT COLLATE "C" NOT NULL,
	reason TEXT COLLATE "C",
	tenant TEXT COLLATE "C",
	changes JSONB NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE m_outbox (
	position BIGSERIAL NOT NULL,
	id UUID NOT NULL,
	type TEXT COLLATE "C" NOT NULL,
	doctype TEXT COLLATE "C" NOT NULL,
	document_id UUID NOT NULL,
	version BIGINT NOT NULL,
	idx BIGINT NOT NULL,
	occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
	actor TEXT COLLATE "C" NOT NULL,
	tenant TEXT COLLATE "C",
	correlation_id UUID,
	causation_id UUID,
	schema_version BIGINT NOT NULL,
	data JSONB NOT NULL,
	published_at TIMESTAMP WITH TIME ZONE,
	attempts INTEGER DEFAULT '0' NOT NULL,
	retry_at TIMESTAMP WITH TIME ZONE,
	given_up SMALLINT DEFAULT '0' NOT NULL,
	error TEXT COLLATE "C",
	PRIMARY KEY (position)
);
CREATE TABLE m_idempotency (
	key TEXT COLLATE "C" NOT NULL,
	body_hash TEXT COLLATE "C" NOT NULL,
	status BIGINT NOT NULL,
	body TEXT COLLATE "C" NOT NULL,
	etag TEXT COLLATE "C",
	location TEXT COLLATE "C",
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (key)
);
CREATE TABLE m_counter (
	prefix TEXT COLLATE "C" NOT NULL,
	value BIGINT NOT NULL,
	PRIMARY KEY (prefix)
);
CREATE TABLE m_lease (
	name TEXT COLLATE "C" NOT NULL,
	holder TEXT COLLATE "C" NOT NULL,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE m_schema (
	name TEXT COLLATE "C" NOT NULL,
	fingerprint TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE loginattempt (
	id UUID NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	creation TIMESTAMP WITH TIME ZONE NOT NULL,
	modified TIMESTAMP WITH TIME ZONE NOT NULL,
	modified_by TEXT COLLATE "C" NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TIMESTAMP WITH TIME ZONE,
	account_key TEXT COLLATE "C" NOT NULL,
	address_key TEXT COLLATE "C" NOT NULL,
	at TIMESTAMP WITH TIME ZONE NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE role (
	id UUID NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	creation TIMESTAMP WITH TIME ZONE NOT NULL,
	modified TIMESTAMP WITH TIME ZONE NOT NULL,
	modified_by TEXT COLLATE "C" NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TIMESTAMP WITH TIME ZONE,
	description TEXT COLLATE "C",
	PRIMARY KEY (id)
);
CREATE TABLE "user" (
	id UUID NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	creation TIMESTAMP WITH TIME ZONE NOT NULL,
	modified TIMESTAMP WITH TIME ZONE NOT NULL,
	modified_by TEXT COLLATE "C" NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TIMESTAMP WITH TIME ZONE,
	email TEXT COLLATE "C" NOT NULL,
	full_name TEXT COLLATE "C",
	enabled BOOLEAN NOT NULL,
	roles JSONB NOT NULL,
	attributes JSONB NOT NULL,
	epoch BIGINT NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE usercredential (
	id UUID NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	creation TIMESTAMP WITH TIME ZONE NOT NULL,
	modified TIMESTAMP WITH TIME ZONE NOT NULL,
	modified_by TEXT COLLATE "C" NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TIMESTAMP WITH TIME ZONE,
	"user" UUID NOT NULL,
	password_hash TEXT COLLATE "C" NOT NULL,
	for_development BOOLEAN NOT NULL,
	PRIMARY KEY (id)
);
CREATE TABLE usersession (
	id UUID NOT NULL,
	name TEXT COLLATE "C" NOT NULL,
	owner TEXT COLLATE "C" NOT NULL,
	creation TIMESTAMP WITH TIME ZONE NOT NULL,
	modified TIMESTAMP WITH TIME ZONE NOT NULL,
	modified_by TEXT COLLATE "C" NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TIMESTAMP WITH TIME ZONE,
	"user" UUID NOT NULL,
	kind TEXT COLLATE "C" NOT NULL,
	epoch BIGINT NOT NULL,
	expires TIMESTAMP WITH TIME ZONE NOT NULL,
	secret_hash TEXT COLLATE "C" NOT NULL,
	csrf_hash TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (id)
);
ALTER TABLE usercredential ADD CONSTRAINT fk_usercredential_user FOREIGN KEY("user") REFERENCES "user" (id);
ALTER TABLE usersession ADD CONSTRAINT fk_usersession_user FOREIGN KEY("user") REFERENCES "user" (id);
CREATE INDEX ix_activitylog_document_id_at ON activitylog (document_id, at);
CREATE INDEX ix_loginattempt_account_key_at ON loginattempt (account_key, at);
CREATE INDEX ix_loginattempt_address_key_at ON loginattempt (address_key, at);
CREATE INDEX ix_loginattempt_at ON loginattempt (at);
CREATE INDEX ix_loginattempt_creation_id ON loginattempt (creation, id);
CREATE INDEX ix_loginattempt_modified_id ON loginattempt (modified, id);
CREATE INDEX ix_loginattempt_owner_creation_id ON loginattempt (owner, creation, id);
CREATE INDEX ix_m_idempotency_expires ON m_idempotency (expires);
CREATE INDEX ix_m_outbox_published_at ON m_outbox (published_at);
CREATE INDEX ix_m_outbox_waiting ON m_outbox (position) WHERE published_at IS NULL AND given_up = 0;
CREATE INDEX ix_role_creation_id ON role (creation, id);
CREATE INDEX ix_role_modified_id ON role (modified, id);
CREATE INDEX ix_role_owner_creation_id ON role (owner, creation, id);
CREATE INDEX ix_user_creation_id ON "user" (creation, id);
CREATE INDEX ix_user_modified_id ON "user" (modified, id);
CREATE INDEX ix_user_owner_creation_id ON "user" (owner, creation, id);
CREATE INDEX ix_usercredential_creation_id ON usercredential (creation, id);
CREATE INDEX ix_usercredential_modified_id ON usercredential (modified, id);
CREATE INDEX ix_usercredential_owner_creation_id ON usercredential (owner, creation, id);
CREATE INDEX ix_usercredential_user ON usercredential ("user");
CREATE INDEX ix_usersession_creation_id ON usersession (creation, id);
CREATE INDEX ix_usersession_modified_id ON usersession (modified, id);
CREATE INDEX ix_usersession_owner_creation_id ON usersession (owner, creation, id);
CREATE INDEX ix_usersession_user ON usersession ("user");
CREATE UNIQUE INDEX uq_loginattempt_name ON loginattempt (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_role_name ON role (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_email ON "user" (email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_name ON "user" (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usercredential_name ON usercredential (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usercredential_user ON usercredential ("user") WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usersession_name ON usersession (name) WHERE deleted_at IS NULL;
CREATE OR REPLACE FUNCTION m_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE TRIGGER activitylog_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activitylog FOR EACH STATEMENT EXECUTE FUNCTION m_append_only();
