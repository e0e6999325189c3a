CREATE TABLE activitylog (
	id TEXT NOT NULL,
	at TEXT NOT NULL,
	actor TEXT NOT NULL,
	action TEXT NOT NULL,
	doctype TEXT NOT NULL,
	document_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	request_id TEXT NOT NULL,
	source TEXT NOT NULL,
	reason TEXT,
	tenant TEXT,
	changes TEXT NOT NULL,
	PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE TABLE m_outbox (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL,
	type TEXT NOT NULL,
	doctype TEXT NOT NULL,
	document_id TEXT NOT NULL,
	version BIGINT NOT NULL,
	idx BIGINT NOT NULL,
	occurred_at TEXT NOT NULL,
	actor TEXT NOT NULL,
	tenant TEXT,
	correlation_id TEXT,
	causation_id TEXT,
	schema_version BIGINT NOT NULL,
	data TEXT NOT NULL,
	published_at TEXT,
	attempts INTEGER DEFAULT '0' NOT NULL,
	retry_at TEXT,
	given_up SMALLINT DEFAULT '0' NOT NULL,
	error TEXT
);
CREATE TABLE m_idempotency (
	"key" TEXT NOT NULL,
	body_hash TEXT NOT NULL,
	status BIGINT NOT NULL,
	body TEXT NOT NULL,
	etag TEXT,
	location TEXT,
	expires TEXT NOT NULL,
	PRIMARY KEY ("key")
)
 WITHOUT ROWID;
CREATE TABLE m_counter (
	prefix TEXT NOT NULL,
	value BIGINT NOT NULL,
	PRIMARY KEY (prefix)
);
CREATE TABLE m_lease (
	name TEXT NOT NULL,
	holder TEXT NOT NULL,
	expires TEXT NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE m_schema (
	name TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE loginattempt (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	creation TEXT NOT NULL,
	modified TEXT NOT NULL,
	modified_by TEXT NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TEXT,
	account_key TEXT,
	address_key TEXT,
	at TEXT,
	PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE TABLE role (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	creation TEXT NOT NULL,
	modified TEXT NOT NULL,
	modified_by TEXT NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TEXT,
	description TEXT,
	PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE TABLE user (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	creation TEXT NOT NULL,
	modified TEXT NOT NULL,
	modified_by TEXT NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TEXT,
	email TEXT,
	full_name TEXT,
	enabled SMALLINT,
	roles TEXT,
	attributes TEXT,
	epoch BIGINT,
	PRIMARY KEY (id)
)
 WITHOUT ROWID;
CREATE TABLE usercredential (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	creation TEXT NOT NULL,
	modified TEXT NOT NULL,
	modified_by TEXT NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TEXT,
	user TEXT,
	password_hash TEXT,
	for_development SMALLINT,
	PRIMARY KEY (id),
	CONSTRAINT fk_usercredential_user FOREIGN KEY(user) REFERENCES user (id)
)
 WITHOUT ROWID;
CREATE TABLE usersession (
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	owner TEXT NOT NULL,
	creation TEXT NOT NULL,
	modified TEXT NOT NULL,
	modified_by TEXT NOT NULL,
	docstatus BIGINT NOT NULL,
	_version BIGINT NOT NULL,
	deleted_at TEXT,
	user TEXT,
	kind TEXT,
	epoch BIGINT,
	expires TEXT,
	secret_hash TEXT,
	csrf_hash TEXT,
	PRIMARY KEY (id),
	CONSTRAINT fk_usersession_user FOREIGN KEY(user) REFERENCES user (id)
)
 WITHOUT ROWID;
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
CREATE INDEX ix_user_creation_id ON user (creation, id);
CREATE INDEX ix_user_modified_id ON user (modified, id);
CREATE INDEX ix_user_owner_creation_id ON user (owner, creation, id);
CREATE INDEX ix_usercredential_creation_id ON usercredential (creation, id);
CREATE INDEX ix_usercredential_modified_id ON usercredential (modified, id);
CREATE INDEX ix_usercredential_owner_creation_id ON usercredential (owner, creation, id);
CREATE INDEX ix_usercredential_user ON usercredential (user);
CREATE INDEX ix_usersession_creation_id ON usersession (creation, id);
CREATE INDEX ix_usersession_modified_id ON usersession (modified, id);
CREATE INDEX ix_usersession_owner_creation_id ON usersession (owner, creation, id);
CREATE INDEX ix_usersession_user ON usersession (user);
CREATE UNIQUE INDEX uq_loginattempt_name ON loginattempt (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_role_name ON role (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_email ON user (email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_user_name ON user (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usercredential_name ON usercredential (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usercredential_user ON usercredential (user) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX uq_usersession_name ON usersession (name) WHERE deleted_at IS NULL;
CREATE TRIGGER activitylog_no_update BEFORE update ON activitylog BEGIN SELECT RAISE(ABORT, 'activitylog is append-only'); END;
CREATE TRIGGER activitylog_no_delete BEFORE delete ON activitylog BEGIN SELECT RAISE(ABORT, 'activitylog is append-only'); END;
