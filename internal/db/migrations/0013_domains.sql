-- +goose Up

-- A key neither active nor retired is new and waits until its record is seen in the DNS.
ALTER TABLE dkim_keys ADD COLUMN retired_at TIMESTAMP; -- when the next key took its place; its record stays published seven days more

-- What the DNS said of a mail domain when it was last asked.
CREATE TABLE mail_checks (
    domain   TEXT PRIMARY KEY,
    at       TIMESTAMP NOT NULL,
    findings JSON NOT NULL               -- domains.Finding, in the order pages show them
);

-- +goose Down
DROP TABLE mail_checks;
ALTER TABLE dkim_keys DROP COLUMN retired_at;
