//! Apache Kafka: one process as broker and controller, with the settings and topics of
//! `docker-compose.yml`.

use super::{RunFolder, compose, fetch, pins, port};
use crate::process::read;
use crate::service::{Service, Start};
use crate::show;
use anyhow::{Context, Result, bail};
use rskafka::chrono::DateTime;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Starting Kafka takes ten seconds on a busy machine with two processors.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Limit for an operation of the client, which would retry forever.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);

const PORT: u16 = 9092;

/// The test topic of the platform.
pub const TEST_TOPIC: &str = "test1";

/// Logs to standard output, which the service writes to its log file.
const LOGGING: &str = "\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
";

/// Formats the data folder if it is new, starts Kafka, and creates missing topics.
pub async fn start(folder: &RunFolder<'_>, compose: &Value) -> Result<Service> {
    let java = fetch::java(!folder.args.pinned)?;
    let jars = fetch::kafka()?;
    let kafka_folder = folder.subfolder("kafka")?;
    let (broker, controller) = (port(PORT, folder.args.free)?, port(0, true)?);
    let environment = &compose["services"]["kafka"]["environment"];
    let properties = kafka_folder.join("server.properties");
    let data = kafka_folder.join("data");
    let text = settings(environment, broker, controller, &data)?;
    fs::write(&properties, text)?;
    fs::write(kafka_folder.join("log4j2.properties"), LOGGING)?;
    let run = |heap: &str, class: &str| {
        let mut command = Command::new(&java);
        command
            .arg(heap)
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                kafka_folder.join("log4j2.properties").display()
            ))
            .arg("-cp")
            .arg(format!("{}/*", jars.display()))
            .arg(class)
            .current_dir(&kafka_folder);
        command
    };
    if !data.join("meta.properties").is_file() {
        show::line("    formatting its data folder");
        let id = text_of(environment, "CLUSTER_ID")?;
        let mut format = run("-Xmx256m", "kafka.tools.StorageTool");
        read(format.args(["format", "-t", id, "-c"]).arg(&properties))?;
    }
    let mut command = run(text_of(environment, "KAFKA_HEAP_OPTS")?, "kafka.Kafka");
    command.arg(&properties);
    let mut service = Service::start(Start {
        name: "Kafka",
        version: pins::KAFKA.to_owned(),
        folder: &kafka_folder,
        signal: "TERM",
        command,
    })?;
    // The client's retries on a closed port would take longer.
    let open = async || TcpStream::connect(("127.0.0.1", broker)).is_ok();
    service.address = format!("127.0.0.1:{broker}");
    service.ready(READY_WITHIN, open).await?;
    create_topics(&service.address, &compose::topics(compose)?).await?;
    service.check_running()?;
    Ok(service)
}

/// Returns the settings: `KAFKA_A_B` in the environment is `a.b`. Addresses and folders differ from the
/// container.
fn settings(environment: &Value, broker: u16, controller: u16, data: &Path) -> Result<String> {
    let mut all = BTreeMap::new();
    for (name, value) in environment
        .as_object()
        .context("docker-compose.yml: no environment of the broker")?
    {
        if let Some(key) = name
            .strip_prefix("KAFKA_")
            .filter(|key| *key != "HEAP_OPTS")
        {
            let value = value.as_str().with_context(|| name.clone())?.to_owned();
            all.insert(key.to_lowercase().replace('_', "."), value);
        }
    }
    let listeners = format!("PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}");
    for (key, value) in [
        ("listeners", listeners),
        (
            "advertised.listeners",
            format!("PLAINTEXT://127.0.0.1:{broker}"),
        ),
        (
            "controller.quorum.voters",
            format!("1@127.0.0.1:{controller}"),
        ),
        ("log.dirs", data.display().to_string()),
    ] {
        if all.insert(key.to_owned(), value).is_none() {
            bail!("docker-compose.yml: the broker needs {key}");
        }
    }
    Ok(all
        .iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect())
}

fn text_of<'a>(environment: &'a Value, name: &str) -> Result<&'a str> {
    let text = environment[name].as_str();
    text.with_context(|| format!("docker-compose.yml: the broker needs {name}"))
}

/// Creates missing topics, with the default number of partitions of the broker.
async fn create_topics(address: &str, topics: &[String]) -> Result<()> {
    const BROKER_DEFAULT: i32 = -1;
    let created = async {
        let client = client(address).await?;
        let controller = client.controller_client()?;
        for topic in topics {
            let result = controller
                .create_topic(topic, BROKER_DEFAULT, -1, 30_000)
                .await;
            match result {
                Ok(())
                | Err(Error::ServerError {
                    protocol_error: ProtocolError::TopicAlreadyExists,
                    ..
                }) => {}
                Err(error) => return Err(error).with_context(|| format!("topic {topic}")),
            }
        }
        // The broker lists a topic only some time after its creation.
        loop {
            let existing = client.list_topics().await?;
            let known = |topic: &String| existing.iter().any(|one| one.name == *topic);
            if topics.iter().all(known) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    };
    let created = tokio::time::timeout(CLIENT_TIMEOUT, created).await;
    created.context("timeout while creating topics")??;
    show::line(&format!("    {} topics", topics.len()));
    Ok(())
}

async fn client(address: &str) -> Result<Client> {
    Ok(ClientBuilder::new(vec![address.to_owned()]).build().await?)
}

/// Writes a record and reads it back.
pub async fn round_trip(address: &str) -> Result<()> {
    let text = b"a record of `cargo xtask up`".to_vec();
    let round_trip = async {
        let client = client(address).await?;
        let known = UnknownTopicHandling::Retry;
        let partition = client.partition_client(TEST_TOPIC, 0, known).await?;
        let record = Record {
            key: Some(b"key".to_vec()),
            value: Some(text.clone()),
            headers: BTreeMap::new(),
            timestamp: DateTime::UNIX_EPOCH,
        };
        let sent = partition
            .produce(vec![record], Compression::NoCompression)
            .await?;
        let offset = *sent.first().context("no offset of the record")?;
        if partition.get_offset(OffsetAt::Latest).await? != offset + 1 {
            bail!("the record at {offset} is not the last one");
        }
        let (records, _) = partition
            .fetch_records(offset, 1..1_000_000, 10_000)
            .await?;
        let read = records.first().context("no record read")?;
        if read.offset != offset || read.record.value.as_ref() != Some(&text) {
            bail!("read another record");
        }
        Ok(())
    };
    let done = tokio::time::timeout(CLIENT_TIMEOUT, round_trip).await;
    done.context("timeout while writing and reading a record")?
}

/// Waits until a topic has a record. The tests of the relay check the content: this client does not support
/// transactions.
pub async fn wait_for_record(address: &str, topic: &str) -> Result<()> {
    let written = async {
        let client = client(address).await?;
        let topics = client.list_topics().await?;
        let topic_info = topics.into_iter().find(|one| one.name == topic);
        let topic_info = topic_info.context("no such topic")?;
        loop {
            for partition in &topic_info.partitions {
                let known = UnknownTopicHandling::Retry;
                let partition = client.partition_client(topic, *partition, known).await?;
                if partition.get_offset(OffsetAt::Latest).await? > 0 {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let written = tokio::time::timeout(CLIENT_TIMEOUT, written).await;
    written.with_context(|| format!("no record in {topic} after {CLIENT_TIMEOUT:?}"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_match_the_container_except_addresses_and_folders() {
        let compose = compose::read().expect("docker-compose.yml");
        let environment = &compose["services"]["kafka"]["environment"];
        let text = settings(environment, 1, 2, Path::new("/data")).expect("settings");
        for line in [
            "advertised.listeners=PLAINTEXT://127.0.0.1:1",
            "auto.create.topics.enable=false",
            "controller.quorum.voters=1@127.0.0.1:2",
            "log.dirs=/data",
            "process.roles=broker,controller",
            "transaction.state.log.min.isr=1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}: {text}");
        }
        assert!(!text.contains("kafka:") && !text.contains("heap"), "{text}");
    }
}
