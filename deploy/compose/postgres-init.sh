#!/bin/sh
# Run by the image of PostgreSQL, once, with the first start: an owner of the tables that is no superuser.
set -eu
psql --username postgres --set ON_ERROR_STOP=1 --set password="$(cat /run/secrets/portal_password)" <<'SQL'
CREATE ROLE portal LOGIN CREATEROLE PASSWORD :'password';
CREATE DATABASE portal OWNER portal;
SQL
