-- A music store: eleven tables, a hierarchy, a composite type.
CREATE SCHEMA music;
SET search_path = music;
CREATE TYPE postal AS (street text, city text, code varchar(10));
CREATE TABLE artist (artist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE album (album_id int PRIMARY KEY, title varchar(160) NOT NULL, artist_id int NOT NULL REFERENCES artist ON UPDATE CASCADE ON DELETE CASCADE);
CREATE TABLE genre (genre_id int PRIMARY KEY, name varchar(120));
CREATE TABLE media_type (media_type_id int PRIMARY KEY, name varchar(120));
CREATE TABLE track (track_id int PRIMARY KEY, name varchar(200) NOT NULL, album_id int REFERENCES album ON DELETE SET NULL, genre_id int REFERENCES genre, media_type_id int NOT NULL REFERENCES media_type,
    milliseconds int NOT NULL, bytes bigint, unit_price numeric(10, 2) NOT NULL, loudness real);
CREATE TABLE playlist (playlist_id int PRIMARY KEY, name varchar(120));
CREATE TABLE playlist_track (playlist_id int REFERENCES playlist ON DELETE CASCADE, track_id int REFERENCES track ON DELETE CASCADE, PRIMARY KEY (playlist_id, track_id));
CREATE TABLE employee (employee_id int PRIMARY KEY, last_name varchar(20) NOT NULL, reports_to int REFERENCES employee ON DELETE SET NULL, hired timestamp);
CREATE TABLE customer (customer_id int PRIMARY KEY, first_name varchar(40) NOT NULL, home postal, support_rep_id int REFERENCES employee ON DELETE SET NULL);
CREATE TABLE invoice (invoice_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, invoiced timestamp NOT NULL DEFAULT now(), billing postal, total numeric(10, 2) NOT NULL DEFAULT 0);
CREATE TABLE invoice_line (invoice_line_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoice ON DELETE CASCADE, track_id int NOT NULL REFERENCES track ON DELETE CASCADE,
    unit_price numeric(10, 2) NOT NULL, quantity int NOT NULL, amount numeric GENERATED ALWAYS AS (unit_price * quantity) STORED);
INSERT INTO artist SELECT n, 'Artist ' || n FROM generate_series(1, 8) n;
INSERT INTO album SELECT n, 'Album ' || n, 1 + n % 8 FROM generate_series(1, 12) n;
INSERT INTO genre VALUES (1, 'Jazz'), (2, NULL); INSERT INTO media_type VALUES (1, 'MPEG');
INSERT INTO track SELECT n, 'Track ' || n, 1 + n % 12, 1 + n % 2, 1, n * 1000, 9007199254740993 + n, 0.99, -0.1 * n FROM generate_series(1, 60) n;
INSERT INTO playlist VALUES (1, 'All'), (2, ''); INSERT INTO playlist_track SELECT 1, n FROM generate_series(1, 60) n;
INSERT INTO employee SELECT n, 'E' || n, nullif(n - 1, 0), '2020-01-01' FROM generate_series(1, 4) n;
INSERT INTO customer SELECT n, 'C' || n, ROW('Street ' || n, 'Town', NULL)::postal, 1 + n % 4 FROM generate_series(1, 15) n;
RESET search_path;
