//! Apache Kafka: one process that is broker and controller, with the settings and the topics of
//! `docker-compose.yml`.

use super::service::{Service, Start};
use super::{Place, compose, fetch, pins, port};
use crate::process::read;
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

/// A Java runtime's start on a busy machine of two processors takes ten seconds.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What a client does; it would try for ever.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

const PORT: u16 = 9092;

/// The platform's, for tests.
pub const TEST_TOPIC: &str = "test1";

/// To the log that its service has anyway.
const LOGGING: &str = "\
status = warn
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
";

/// Makes its files where there are none, starts it, and makes the topics that are not there.
pub async fn start(place: &Place<'_>, compose: &Value) -> Result<Service> {
    let java = fetch::java(!place.ask.pinned)?;
    let jars = fetch::kafka()?;
    let folder = place.folder("kafka")?;
    let (broker, controller) = (port(PORT, place.ask.free)?, port(0, true)?);
    let environment = &compose["services"]["kafka"]["environment"];
    let properties = folder.join("server.properties");
    let data = folder.join("data");
    let text = settings(environment, broker, controller, &data)?;
    fs::write(&properties, text)?;
    fs::write(folder.join("log4j2.properties"), LOGGING)?;
    let run = |heap: &str, class: &str| {
        let mut command = Command::new(&java);
        command
            .arg(heap)
            .arg(format!(
                "-Dlog4j2.configurationFile={}",
                folder.join("log4j2.properties").display()
            ))
            .arg("-cp")
            .arg(format!("{}/*", jars.display()))
            .arg(class)
            .current_dir(&folder);
        command
    };
    if !data.join("meta.properties").is_file() {
        show::line("    making its data folder");
        let id = text_of(environment, "CLUSTER_ID")?;
        let mut format = run("-Xmx256m", "kafka.tools.StorageTool");
        read(format.args(["format", "-t", id, "-c"]).arg(&properties))?;
    }
    let mut command = run(text_of(environment, "KAFKA_HEAP_OPTS")?, "kafka.Kafka");
    command.arg(&properties);
    let mut service = Service::start(Start {
        name: "Kafka",
        version: pins::KAFKA.to_owned(),
        address: format!("127.0.0.1:{broker}"),
        folder: &folder,
        signal: "TERM",
        command,
    })?;
    // The client's own tries at a port that is not open yet would fill the time between.
    let open = async || TcpStream::connect(("127.0.0.1", broker)).is_ok();
    service.ready(READY_WITHIN, open).await?;
    make_topics(&service.address, &compose::topics(compose)?).await?;
    service.runs()?;
    Ok(service)
}

/// What `KAFKA_A_B` says as `a.b`, but for addresses and folders, which are a container's own.
fn settings(environment: &Value, broker: u16, controller: u16, data: &Path) -> Result<String> {
    let mut all = BTreeMap::new();
    for (name, value) in environment
        .as_object()
        .context("the broker's environment")?
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
            bail!("docker-compose.yml: the broker has no {key}");
        }
    }
    Ok(all
        .iter()
        .map(|(key, value)| format!("{key}={value}\n"))
        .collect())
}

fn text_of<'a>(environment: &'a Value, name: &str) -> Result<&'a str> {
    let text = environment[name].as_str();
    text.with_context(|| format!("docker-compose.yml: the broker has no {name}"))
}

/// Makes the topics that are not there, with the broker's number of partitions.
async fn make_topics(address: &str, topics: &[String]) -> Result<()> {
    const BROKERS_OWN: i32 = -1;
    let made = async {
        let client = client(address).await?;
        let controller = client.controller_client()?;
        for topic in topics {
            let made = controller
                .create_topic(topic, BROKERS_OWN, -1, 30_000)
                .await;
            match made {
                Ok(())
                | Err(Error::ServerError {
                    protocol_error: ProtocolError::TopicAlreadyExists,
                    ..
                }) => {}
                Err(error) => return Err(error).with_context(|| format!("the topic {topic}")),
            }
        }
        // The broker tells of a topic a moment after it was made.
        loop {
            let there = client.list_topics().await?;
            let known = |topic: &String| there.iter().any(|one| one.name == *topic);
            if topics.iter().all(known) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    };
    let made = tokio::time::timeout(ANSWERS_WITHIN, made).await;
    made.context("Kafka's topics took too long")??;
    show::line(&format!("    {} topics", topics.len()));
    Ok(())
}

async fn client(address: &str) -> Result<Client> {
    Ok(ClientBuilder::new(vec![address.to_owned()]).build().await?)
}

/// Sends one record and reads it back.
pub async fn round_trip(address: &str) -> Result<()> {
    let text = b"a record of `cargo xtask up`".to_vec();
    let there_and_back = async {
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
        let offset = *sent.first().context("no offset for the record")?;
        if partition.get_offset(OffsetAt::Latest).await? != offset + 1 {
            bail!("the record at {offset} is not the last one");
        }
        let (records, _) = partition
            .fetch_records(offset, 1..1_000_000, 10_000)
            .await?;
        let read = records.first().context("no record came back")?;
        if read.offset != offset || read.record.value.as_ref() != Some(&text) {
            bail!("another record came back");
        }
        Ok(())
    };
    let done = tokio::time::timeout(ANSWERS_WITHIN, there_and_back).await;
    done.context("a record to Kafka and back took too long")?
}

/// Waits until a record of the topic has this header.
pub async fn carries(address: &str, topic: &str, name: &str, value: &str) -> Result<()> {
    let found = async {
        let client = client(address).await?;
        let topics = client.list_topics().await?;
        let topic = topics.into_iter().find(|one| one.name == topic);
        let topic = topic.context("the topic")?;
        loop {
            for partition in &topic.partitions {
                let known = UnknownTopicHandling::Retry;
                let partition = client
                    .partition_client(&*topic.name, *partition, known)
                    .await?;
                if partition.get_offset(OffsetAt::Latest).await? == 0 {
                    continue;
                }
                let (records, _) = partition.fetch_records(0, 1..1_000_000, 1_000).await?;
                let is = |record: &Record| {
                    record.headers.get(name).map(Vec::as_slice) == Some(value.as_bytes())
                };
                if records.iter().any(|found| is(&found.record)) {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let found = tokio::time::timeout(ANSWERS_WITHIN, found).await;
    found.with_context(|| format!("no record with {name}: {value} came to {topic}"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_is_set_as_in_its_container_but_for_where_it_is() {
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
