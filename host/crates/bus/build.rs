//! Finds the servers that tests need: Kafka.

fn main() {
    galleria_test_kafka::set_cfg();
}
