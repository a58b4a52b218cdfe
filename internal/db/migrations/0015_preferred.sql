-- +goose Up

-- The address for life is the preferred one of a person's addresses: letters go where it leads first.
ALTER TABLE forwarding_settings ADD COLUMN preferred BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
ALTER TABLE forwarding_settings DROP COLUMN preferred;
