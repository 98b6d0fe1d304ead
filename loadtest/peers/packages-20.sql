-- The least that a page of 20 packages needs: packages from some instant on, customers and files, in one statement.
\set back random(1, 59900)
SELECT p.id, p.tracking_number, p.guide_number, p.package_type, p.status, p.position, p.base_fee, p.received_at, p.delivered_at, p.created_at,
  c.id, c.name, c.phone, c.email, f.files
FROM packages.packages p
JOIN packages.customers c ON c.id = p.customer_id
LEFT JOIN LATERAL (
  SELECT json_agg(json_build_object('id', f.id, 'filename', f.filename, 'url', f.url, 'size', f.size_bytes)) AS files
  FROM packages.file_uploads f WHERE f.package_id = p.id
) f ON true
WHERE (p.created_at, p.id) < (now() - :back * interval '1000 seconds', 9223372036854775807)
ORDER BY p.created_at DESC, p.id DESC
LIMIT 20;
