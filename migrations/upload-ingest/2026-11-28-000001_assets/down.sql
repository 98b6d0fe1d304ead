DROP TABLE owner_usage;
DROP TABLE rendition;
DROP TABLE storage_object;
DROP TABLE asset;
