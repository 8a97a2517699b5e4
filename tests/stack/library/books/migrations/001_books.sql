CREATE TABLE books (
    id int unsigned NOT NULL PRIMARY KEY,
    title varchar(200) NOT NULL,
    shelf varchar(20),
    category enum('novel', 'science', 'history') NOT NULL,
    price decimal(10, 2) NOT NULL,
    available boolean NOT NULL DEFAULT true,
    printed_on date,
    donor_email varchar(120),
    cover varbinary(16),
    changed_at datetime(6) NOT NULL
);
