-- PostgreSQL tables of the baselines: a hand-written application's, with the indexes its queries want.
CREATE TABLE sales_order (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    owner text NOT NULL,
    creation timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    docstatus smallint NOT NULL DEFAULT 0,
    _version integer NOT NULL DEFAULT 1,
    customer text NOT NULL,
    title text NOT NULL,
    status text NOT NULL,
    priority text NOT NULL,
    company text NOT NULL,
    currency text NOT NULL,
    qty integer NOT NULL,
    rate numeric(18, 2) NOT NULL,
    amount numeric(18, 2) NOT NULL,
    posting_date date NOT NULL,
    is_paid boolean NOT NULL,
    notes text
);
CREATE INDEX sales_order_page ON sales_order (owner, status, modified DESC);

CREATE TABLE customer (id uuid PRIMARY KEY, name text NOT NULL UNIQUE, full_name text NOT NULL);
CREATE TABLE item (id uuid PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE counter (prefix text PRIMARY KEY, value bigint NOT NULL);

CREATE TABLE invoice (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    owner text NOT NULL,
    creation timestamptz NOT NULL,
    modified timestamptz NOT NULL,
    docstatus smallint NOT NULL DEFAULT 0,
    _version integer NOT NULL DEFAULT 1,
    customer uuid NOT NULL REFERENCES customer (id),
    customer_name text NOT NULL,
    posting_date date NOT NULL,
    remarks text,
    total numeric(18, 2) NOT NULL
);
CREATE TABLE invoice_item (
    id uuid PRIMARY KEY,
    parent uuid NOT NULL REFERENCES invoice (id) ON DELETE CASCADE,
    idx integer NOT NULL,
    item uuid NOT NULL REFERENCES item (id),
    description text NOT NULL,
    qty numeric(18, 3) NOT NULL,
    rate numeric(18, 2) NOT NULL,
    amount numeric(18, 2) NOT NULL
);
CREATE INDEX invoice_item_parent ON invoice_item (parent);
