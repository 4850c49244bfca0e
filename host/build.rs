//! Finds the servers that tests need: PostgreSQL and Kafka.

fn main() {
    galleria_test_postgres::set_cfg();
    galleria_test_kafka::set_cfg();
}
