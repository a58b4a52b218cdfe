-- +goose Up

-- Who looks after a class of a school.
CREATE TABLE class_ambassadors (
    id             UUID PRIMARY KEY,
    person_id      UUID NOT NULL REFERENCES persons (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    association_id UUID NOT NULL REFERENCES associations (id) DEFERRABLE INITIALLY DEFERRED,
    class_year     BIGINT NOT NULL,
    since          TIMESTAMP NOT NULL,
    named_by       UUID,                 -- account; NULL for background work
    ended_at       TIMESTAMP,            -- he stopped, or was taken off; the row goes a day later
    ended_by       UUID                  -- account: it alone may take that back
);
CREATE UNIQUE INDEX class_ambassadors_current ON class_ambassadors (association_id, class_year, person_id) WHERE ended_at IS NULL;
CREATE INDEX class_ambassadors_person ON class_ambassadors (person_id);

-- +goose Down
DROP TABLE class_ambassadors;
