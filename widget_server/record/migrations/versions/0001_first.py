"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001"
down_revision = None

# As in `record.db.Key`: compared by code point on both databases.
_KEY = sa.Text().with_variant(sa.TEXT(collation="C"), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The ledger is never changed, but for an erasure: a tombstone in the place of a customer, and no number touched.
_KEPT = ("id", "shop", "rule", "rule_version", "n", "kind", "points", "at", "available_at", "expires_at", "day")
_OLD, _NEW = (", ".join(f"{row}.{name}" for name in _KEPT) for row in ("OLD", "NEW"))
_NO_TOMBSTONE = "substr(NEW.customer, 1, 7) <> 'erased:'"
_APPEND_ONLY = {
    "sqlite": f"""
CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger WHEN {_NO_TOMBSTONE} OR ({_OLD}) IS NOT ({_NEW})
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    "postgresql": f"""
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$;;
CREATE TRIGGER ledger_no_delete BEFORE DELETE OR TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();;
CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger FOR EACH ROW
WHEN ({_NO_TOMBSTONE} OR ROW({_OLD}) IS DISTINCT FROM ROW({_NEW})) EXECUTE FUNCTION ledger_is_append_only()""",
}


# What shoppers wrote, by its words. FTS5 takes a word for what stands between spaces, as the rows are written.
_FULL_TEXT = {
    "sqlite": """
CREATE VIRTUAL TABLE answer_words USING fts5(
words, content='answer_texts', content_rowid='number', tokenize='ascii', detail='none', columnsize=0, prefix='10 11');;
CREATE VIRTUAL TABLE answer_words_instances USING fts5vocab(answer_words, 'instance');;
CREATE TRIGGER answer_texts_new AFTER INSERT ON answer_texts
BEGIN INSERT INTO answer_words(rowid, words) VALUES (NEW.number, NEW.words); END;;
CREATE TRIGGER answer_texts_gone AFTER DELETE ON answer_texts
BEGIN INSERT INTO answer_words(answer_words, rowid, words) VALUES ('delete', OLD.number, OLD.words); END;;
CREATE TRIGGER answer_texts_changed AFTER UPDATE ON answer_texts
BEGIN INSERT INTO answer_words(answer_words, rowid, words) VALUES ('delete', OLD.number, OLD.words);
INSERT INTO answer_words(rowid, words) VALUES (NEW.number, NEW.words); END""",
    "postgresql": "CREATE INDEX answer_texts_words ON answer_texts USING gin (words) WITH (fastupdate = off)",
}


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("email", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("totp", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("language", _KEY, nullable=False),
        sa.Column("theme", _KEY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    op.create_table(
        "answer_products",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("product", _KEY, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "key", "question", "product"),
    )
    op.create_index(
        "answer_products_newest",
        "answer_products",
        ["shop", "product", "first_at", "key", "question"],
        unique=False,
        sqlite_where=sa.text("hidden IS 0"),
        postgresql_where=sa.text("hidden IS false"),
    )
    op.create_table(
        "answer_texts",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("shop", "key", "question"),
    )
    op.create_index("answer_texts_newest", "answer_texts", ["shop", "number"], unique=True)
    for statement in _FULL_TEXT[op.get_bind().dialect.name].split(";;"):
        op.execute(statement)
    op.create_table(
        "answers",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("quarantined", sa.Text(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("incentivised", sa.Boolean(), nullable=False),
        sa.Column("bucket", _KEY, nullable=True),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("language", _KEY, nullable=True),
        sa.Column("placement", _KEY, nullable=True),
        sa.Column("product", _KEY, nullable=True),
        sa.Column("query_key", _KEY, nullable=True),
        sa.Column("order_ref", _KEY, nullable=True),
        sa.Column("customer", _KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "key", "question"),
    )
    op.create_index(
        "answers_newest",
        "answers",
        ["shop", "first_at", "key"],
        unique=False,
        sqlite_where=sa.text("answered IS 1 AND hidden IS 0"),
        postgresql_where=sa.text("answered IS true AND hidden IS false"),
    )
    op.create_index(
        "answers_of_question",
        "answers",
        ["shop", "question", "first_at", "key"],
        unique=False,
        sqlite_where=sa.text("answered IS 1 AND hidden IS 0"),
        postgresql_where=sa.text("answered IS true AND hidden IS false"),
    )
    op.create_index(
        "answers_of_query",
        "answers",
        ["shop", "query_key", "first_at", "key"],
        unique=False,
        sqlite_where=sa.text("query_key IS NOT NULL AND answered IS 1 AND hidden IS 0"),
        postgresql_where=sa.text("query_key IS NOT NULL AND answered IS true AND hidden IS false"),
    )
    op.create_index(
        "answers_of_order",
        "answers",
        ["shop", "order_ref"],
        unique=False,
        sqlite_where=sa.text("order_ref IS NOT NULL"),
        postgresql_where=sa.text("order_ref IS NOT NULL"),
    )
    op.create_index(
        "answers_chosen",
        "answers",
        ["shop", "question", "first_at", "key"],
        unique=False,
        sqlite_where=sa.text("chosen IS NOT NULL"),
        postgresql_where=sa.text("chosen IS NOT NULL"),
    )
    op.create_index(
        "answers_quarantined",
        "answers",
        ["shop", "first_at", "key"],
        unique=False,
        sqlite_where=sa.text("quarantined IS NOT NULL"),
        postgresql_where=sa.text("quarantined IS NOT NULL"),
    )
    op.create_index(
        "answers_of_customer",
        "answers",
        ["shop", "customer", "question", "first_at"],
        unique=False,
        sqlite_where=sa.text("customer IS NOT NULL AND answered IS 1"),
        postgresql_where=sa.text("customer IS NOT NULL AND answered IS true"),
    )
    op.create_index(
        "answers_texts_of_query",
        "answers",
        ["shop", "query_key", "first_at"],
        unique=False,
        sqlite_where=sa.text("text IS NOT NULL AND query_key IS NOT NULL"),
        postgresql_where=sa.text("text IS NOT NULL AND query_key IS NOT NULL"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("prefix", _KEY, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("api_keys_by_prefix", "api_keys", ["prefix"], unique=False)
    op.create_index("api_keys_of_shop", "api_keys", ["shop", "created"], unique=False)
    op.create_table(
        "api_origins",
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "origin"),
    )
    op.create_index("ix_api_origins_origin", "api_origins", ["origin"], unique=False)
    op.create_table(
        "assumptions",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("search_conversion", sa.Integer(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop"),
    )
    op.create_table(
        "attempts",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("outbox", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("took", sa.Integer(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("attempts_outbox", "attempts", ["outbox", "number"], unique=False)
    op.create_table(
        "answer_notes",
        sa.Column("number", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", _KEY, nullable=True),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("answer_notes_of_answer", "answer_notes", ["shop", "question", "key", "number"], unique=False)
    op.create_table(
        "cases",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("status", _KEY, nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("assignee", _KEY, nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "question", "key"),
    )
    op.create_index("cases_by_id", "cases", ["shop", "id"], unique=True)
    op.create_index(
        "cases_open",
        "cases",
        ["shop", "due", "created", "id"],
        unique=False,
        sqlite_where=sa.text("open IS 1"),
        postgresql_where=sa.text("open IS true"),
    )
    op.create_index("cases_changed", "cases", ["shop", "changed", "id"], unique=False)
    op.create_table(
        "connections",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("platform", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("health", sa.Text(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("connections_shop", "connections", ["shop", "created"], unique=False)
    op.create_table(
        "counters",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("counter", _KEY, nullable=False),
        sa.Column("dimension", _KEY, nullable=False),
        sa.Column("period", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("start", _KEY, nullable=False),
        sa.Column("trust", _KEY, nullable=False),
        sa.Column("bucket", _KEY, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "shop", "question", "counter", "dimension", "period", "key", "start", "trust", "bucket"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "counters_of_queries",
        "counters",
        ["shop", "question", "counter", "period", "start", "key"],
        unique=False,
        sqlite_where=sa.text("dimension = 'query'"),
        postgresql_where=sa.text("dimension = 'query'"),
    )
    op.create_table(
        "coupons",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("customer", _KEY, nullable=False),
        sa.Column("rule", _KEY, nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("source", _KEY, nullable=False),
        sa.Column("code", _KEY, nullable=False),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("state", _KEY, nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("day", _KEY, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("shop", "source", "rule", name="coupons_once"),
        sa.UniqueConstraint("shop", "code", name="coupons_code"),
    )
    op.create_index("coupons_newest", "coupons", ["shop", "created", "id"], unique=False)
    op.create_index("coupons_customer", "coupons", ["shop", "customer", "created", "id"], unique=False)
    op.create_index("coupons_rule", "coupons", ["shop", "rule", "state"], unique=False)
    op.create_table(
        "customers",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("ref", _KEY, nullable=False),
        sa.Column("email", _KEY, nullable=True),
        sa.Column("birthday", sa.Text(), nullable=True),
        sa.Column("birthday_since", sa.BigInteger(), nullable=True),
        sa.Column("born", _KEY, nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("segments", sa.Text(), nullable=True),
        sa.Column("last_order_at", sa.BigInteger(), nullable=True),
        sa.Column("last_order", _KEY, nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("shop", "ref"),
    )
    op.create_index(
        "customers_by_email",
        "customers",
        ["shop", "email"],
        unique=False,
        sqlite_where=sa.text("email IS NOT NULL"),
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "customers_born",
        "customers",
        ["shop", "born", "ref"],
        unique=False,
        sqlite_where=sa.text("born IS NOT NULL"),
        postgresql_where=sa.text("born IS NOT NULL"),
    )
    op.create_index(
        "customers_by_last_order",
        "customers",
        ["shop", "last_order_at"],
        unique=False,
        sqlite_where=sa.text("last_order_at IS NOT NULL"),
        postgresql_where=sa.text("last_order_at IS NOT NULL"),
    )
    op.create_table(
        "endpoints",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_secret_until", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("endpoints_shop", "endpoints", ["shop", "created"], unique=False)
    op.create_table(
        "events",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("subject", _KEY, nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id"),
    )
    op.create_index(
        "events_of_subject",
        "events",
        ["shop", "subject"],
        unique=False,
        sqlite_where=sa.text("subject IS NOT NULL"),
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.create_table(
        "holds",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "inbox",
        sa.Column("connection", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("request", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "key"),
    )
    op.create_index("inbox_received", "inbox", ["received"], unique=False)
    op.create_index(
        "inbox_waiting",
        "inbox",
        ["received", "key"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "inbox_waiting_of",
        "inbox",
        ["connection"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("hash", _KEY, nullable=False),
        sa.Column("email", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=True),
        sa.Column("role", _KEY, nullable=True),
        sa.Column("language", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("made_by", _KEY, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("invitations_by_email", "invitations", ["email"], unique=False)
    op.create_index("invitations_by_shop", "invitations", ["shop", "created"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", _KEY, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("customer", _KEY, nullable=False),
        sa.Column("rule", _KEY, nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("source", _KEY, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("day", _KEY, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("shop", "source", "rule", "n", name="ledger_once"),
    )
    op.create_index("ledger_customer", "ledger", ["shop", "customer", "at", "id"], unique=False)
    op.create_index(
        "ledger_expires",
        "ledger",
        ["shop", "expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "ledger_given",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("rule", _KEY, nullable=False),
        sa.Column("day", _KEY, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "rule", "day"),
    )
    for statement in _APPEND_ONLY[op.get_bind().dialect.name].split(";;"):
        op.execute(statement)
    op.create_table(
        "loyalty",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("expired_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop"),
    )
    op.create_table(
        "members",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("role", _KEY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "account"),
    )
    op.create_index("members_by_account", "members", ["account"], unique=False)
    op.create_table(
        "orders",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("ref", _KEY, nullable=False),
        sa.Column("customer", _KEY, nullable=True),
        sa.Column("placed_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "ref"),
    )
    op.create_index(
        "orders_of_customer",
        "orders",
        ["shop", "customer", "placed_at"],
        unique=False,
        sqlite_where=sa.text("customer IS NOT NULL"),
        postgresql_where=sa.text("customer IS NOT NULL"),
    )
    op.create_index(
        "orders_completed",
        "orders",
        ["shop", "completed_at", "ref"],
        unique=False,
        sqlite_where=sa.text("completed_at IS NOT NULL"),
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("endpoint", _KEY, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=True),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("lease_by", sa.String(), nullable=True),
        sa.Column("unknown", sa.Boolean(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("shop", "key", name="outbox_key"),
    )
    op.create_index(
        "outbox_due_endpoint",
        "outbox",
        ["endpoint", "next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "outbox_due_next",
        "outbox",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state = 'due'"),
        postgresql_where=sa.text("state = 'due'"),
    )
    op.create_index(
        "outbox_dead_ended",
        "outbox",
        ["shop", "ended"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "outbox_dead_shop",
        "outbox",
        ["shop", "state", "created", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'dead'"),
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index("outbox_ended", "outbox", ["ended", "state"], unique=False)
    op.create_index("outbox_shop", "outbox", ["shop", "created", "id"], unique=False)
    op.create_table(
        "question_versions",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", _KEY, nullable=False),
        sa.Column("placement", sa.Text(), nullable=False),
        sa.Column("touchpoint", _KEY, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "name", "version"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("account", _KEY, nullable=False),
        sa.Column("hash", _KEY, nullable=False),
        sa.PrimaryKeyConstraint("account", "hash"),
    )
    op.create_table(
        "rule_versions",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("rule", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "rule", "version"),
    )
    op.create_table(
        "scores_changed",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("question", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "question"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("hash", _KEY, nullable=False),
        sa.Column("account", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("sessions_by_account", "sessions", ["account", "seen"], unique=False)
    op.create_table(
        "set_aside",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("set_aside_of_shop", "set_aside", ["shop"], unique=False)
    op.create_table(
        "shops",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("site_key", sa.Text(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("order_token_secret", sa.Text(), nullable=False),
        sa.Column("widget", sa.Text(), nullable=False),
        sa.Column("rules", _KEY, nullable=False),
        sa.Column("is_set_up", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("site_key"),
    )
    op.create_table(
        "spellings",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("query_key", _KEY, nullable=False),
        sa.Column("spelling", _KEY, nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "query_key", "spelling"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "touchpoints",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("stage", _KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "name"),
    )
    op.create_table(
        "views",
        sa.Column("shop", _KEY, nullable=False),
        sa.Column("id", _KEY, nullable=False),
        sa.Column("account", _KEY, nullable=True),
        sa.Column("name", _KEY, nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("shop", "id"),
    )
