//! Finds the servers that tests need: PostgreSQL.

fn main() {
    galleria_test_postgres::set_cfg();
}
