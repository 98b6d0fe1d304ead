//! A desk of the size that lists are compared at, made by the database itself: 20,000 customers; packages five minutes apart, of which 5 %
//! are announced, 20 % received, 70 % delivered and 5 % cancelled; every second one has a file or two.

/// Customers there are.
const CUSTOMERS: u32 = 20_000;
/// Seconds between two packages.
pub(crate) const APART_SECS: u32 = 300;

/// What has to be known to ask.
pub(crate) struct Data {
    pub(crate) sql: String,
    /// Somebody who works at the desk, and sees everything.
    pub(crate) operator: String,
}

/// The statements that load so many packages, the newest of now.
pub(crate) fn make(packages: u32, operator: String) -> Data {
    let sql = [
        functions(),
        people(&operator),
        arrivals(packages),
        announcements(),
        stays(),
        files(),
        "DROP TABLE arrival;\nANALYZE;\n".to_owned(),
    ]
    .concat();
    Data { sql, operator }
}

/// Ids that say when they were made (UUID, version 7).
fn functions() -> String {
    "SELECT setseed(0.20251122);\n\
     CREATE FUNCTION pg_temp.id_of(made_at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$\n\
     SELECT (lpad(to_hex((extract(epoch FROM made_at) * 1000)::bigint), 12, '0') || '7' || substr(r, 1, 3) || '8' || substr(r, 4, 15))::uuid\n\
     FROM (SELECT md5(random()::text || clock_timestamp()::text) AS r) AS chance $$;\n"
        .to_owned()
}

fn people(operator: &str) -> String {
    let (firsts, lasts) =
        ("{Ana,Luis,Marta,Jorge,Sofia,Pedro,Elena,Andres}", "{Garcia,Lopez,Martinez,Rojas,Perez,Gomez,Diaz}");
    format!(
        "INSERT INTO operator (user_id, role, name, created_at, updated_at) VALUES ('{operator}', 'operator', 'A. Clerk', now(), now());\n\
         INSERT INTO customer (id, name, search_name, phone, email, created_at, updated_at)\n\
         SELECT pg_temp.id_of(made_at), name, lower(name), '+573' || lpad(n::text, 9, '0'),\n\
           CASE WHEN chance < 0.7 THEN 'c' || n || '@example.com' END, made_at, made_at\n\
         FROM (SELECT n, random() AS chance, now() - random() * interval '690 days' AS made_at,\n\
             ('{firsts}'::text[])[1 + n % 8] || ' ' || ('{lasts}'::text[])[1 + n % 7] AS name\n\
           FROM generate_series(1, {CUSTOMERS}) AS n) AS made;\n"
    )
}

/// Each package as it came, with what chance has decided.
fn arrivals(packages: u32) -> String {
    format!(
        "CREATE TEMPORARY TABLE arrival AS\n\
         SELECT n, pg_temp.id_of(made_at) AS id, pg_temp.id_of(made_at) AS announcement_id, made_at,\n\
           CASE WHEN chance < 0.05 THEN 'announced' WHEN chance < 0.25 THEN 'received' WHEN chance < 0.95 THEN 'delivered'\n\
             ELSE 'cancelled' END AS status,\n\
           CASE WHEN random() < 0.5 THEN 'small' ELSE 'extra' END AS size_class,\n\
           made_at + (1 + random() * 71) * interval '1 hour' AS received_at,\n\
           (1 + random() * 399) * interval '1 hour' AS stays, customer_id\n\
         FROM (SELECT n, random() AS chance, now() - ({packages} - n + random()) * interval '{APART_SECS} seconds' AS made_at,\n\
             1 + floor(random() * {CUSTOMERS})::integer AS customer_number\n\
           FROM generate_series(1, {packages}) AS n) AS made\n\
         JOIN (SELECT id AS customer_id, row_number() OVER () AS customer_number FROM customer) AS numbered USING (customer_number);\n\
         UPDATE arrival SET received_at = least(received_at, now());\n"
    )
}

/// What is announced was so by its customer.
fn announcements() -> String {
    "INSERT INTO announcement (id, customer_id, name, phone, guide_number, tracking_code, tariff_id, expires_at, announced_by, created_at, \
       updated_at)\n\
     SELECT a.announcement_id, a.customer_id, c.name, c.phone, 'GUIA' || lpad(a.n::text, 8, '0'), 'A' || lpad(a.n::text, 9, '0'), t.id, \
       a.made_at + interval '60 days', c.id, a.made_at, a.made_at\n\
     FROM arrival a JOIN customer c ON c.id = a.customer_id CROSS JOIN tariff t WHERE a.status = 'announced';\n"
        .to_owned()
}

fn stays() -> String {
    "INSERT INTO package (id, tracking_no, guide_number, customer_id, announcement_id, size_class, condition, status, tariff_id, \
       announced_at, received_at, stopped_at, ended_at, free_until, hold_until, abandon_at, total_minor, paid_minor, version, created_at, \
       updated_at)\n\
     SELECT a.id, 'PAP' || lpad(a.n::text, 9, '0'), 'GUIA' || lpad(a.n::text, 8, '0'), a.customer_id, \
       CASE WHEN a.status = 'announced' THEN a.announcement_id END, CASE WHEN has_come THEN a.size_class END, \
       CASE WHEN has_come THEN 'good' END, a.status, t.id, CASE WHEN a.status = 'announced' THEN a.made_at END, \
       CASE WHEN has_come THEN a.received_at END, ended_at, ended_at, CASE WHEN has_come THEN a.received_at + interval '1 day' END, \
       CASE WHEN has_come THEN a.received_at + interval '30 days' END, CASE WHEN has_come THEN a.received_at + interval '45 days' END, \
       CASE WHEN a.status = 'delivered' THEN 150000 END, CASE WHEN a.status = 'delivered' THEN 150000 ELSE 0 END, 3, a.made_at, \
       coalesce(ended_at, a.made_at)\n\
     FROM (SELECT *, status IN ('received', 'delivered') AS has_come,\n\
         CASE status WHEN 'delivered' THEN least(received_at + stays, now()) WHEN 'cancelled' THEN made_at + interval '1 hour' END AS ended_at\n\
       FROM arrival) a CROSS JOIN tariff t ORDER BY a.n;\n"
        .to_owned()
}

/// None for 60 %, one for 30 %, two for 10 %.
fn files() -> String {
    "INSERT INTO file_upload (id, package_id, kind, asset_id, sha256, content_type, size_bytes, url, event_seq, created_at)\n\
     SELECT pg_temp.id_of(a.made_at), a.id, 'photo', gen_random_uuid(), sha256(a.id::text::bytea), 'image/jpeg', \
       20000 + floor(random() * 4000000)::bigint, '/media/' || a.id || '/' || k || '/original.jpg', 1, a.made_at\n\
     FROM (SELECT *, random() AS chance FROM arrival) a CROSS JOIN generate_series(1, 2) AS k\n\
     WHERE chance < 0.1 OR (chance < 0.4 AND k = 1);\n"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_whole_and_made_for_so_many_packages() {
        let data = make(1_234, "00000000-0000-4000-8000-000000000001".to_owned());
        assert!(data.sql.contains("generate_series(1, 1234)"));
        assert!(data.sql.contains(&data.operator));
        assert_eq!(data.sql.matches('(').count(), data.sql.matches(')').count());
        assert_eq!(data.sql.matches('\'').count() % 2, 0);
        assert!(data.sql.ends_with(";\n"));
    }
}
