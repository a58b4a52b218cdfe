-- +goose Up

-- What a list last said of a person, so that the next one changes only what nobody changed by hand since.
CREATE TABLE import_records (
    identity   UUID PRIMARY KEY,         -- the first half of a SHA-256: it tells nothing of a person who was erased
    person_id  UUID REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, -- NULL: erased, and not to come back
    source     TEXT NOT NULL,            -- name of the file
    line       BIGINT NOT NULL,          -- in it
    import_id  UUID NOT NULL,
    record     JSON NOT NULL,            -- normalised; what an emptier list left out stays
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL
);
CREATE INDEX import_records_person ON import_records (person_id);

CREATE TABLE imports (
    id             UUID PRIMARY KEY,
    file_name      TEXT NOT NULL,
    file_size      BIGINT NOT NULL,
    file_key       TEXT NOT NULL,        -- blob key; '' from the command line, and once the file is no longer needed
    rejects_key    TEXT NOT NULL,        -- blob key of what was not taken; '' when there is nothing
    association_id UUID REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED, -- of rows that name no school; NULL: each names one
    mapping        JSON NOT NULL,        -- what the importer said of the columns
    preview        JSON NOT NULL,        -- the columns as they are read with it, and some of their cells
    dry_run        BOOLEAN NOT NULL,     -- the run that is under way, or was the last, only tries
    state          TEXT NOT NULL CHECK (state IN ('draft', 'queued', 'running', 'done', 'stopped', 'failed')),
    report         JSON NOT NULL,        -- counts so far, warnings, rejects
    problem        JSON NOT NULL,        -- why it stopped or failed: a message key and its data
    account_id     UUID,                 -- who imports; NULL for the console
    actor          TEXT NOT NULL,        -- as it read then
    roles          JSON NOT NULL,        -- what he may do, from the moment he started it
    created_at     TIMESTAMP NOT NULL,
    started_at     TIMESTAMP,
    finished_at    TIMESTAMP
);
CREATE INDEX imports_created ON imports (created_at);

-- One import at a time: its holder renews this row with every batch, and so knows that nobody took over.
CREATE TABLE import_lease (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    holder       UUID,
    held_until   TIMESTAMP,
    logins_after UUID                    -- degrees after this one may lack their login; NULL: none does
);
INSERT INTO import_lease (id) VALUES (1);

-- +goose Down
DROP TABLE import_lease;
DROP TABLE imports;
DROP TABLE import_records;
