//! The defaults of `host.toml`. Each is explained there; a test proves that the file says the same.

use crate::raw::{
    RawAccess, RawAttempts, RawDatabase, RawGroup, RawGroups, RawHost, RawHttp, RawIssuer,
    RawKafka, RawLog, RawMembers, RawMetrics, RawRate, RawRetry, RawRuns, RawSensitive,
    RawStatements, RawTraces,
};
use galleria_domain::plugin::Limits;

/// Where documents, output and input may lie.
const DIRECTORIES: [&str; 7] = [
    "additional_reports",
    "marketing_consent",
    "poslog",
    "product_data",
    "reconciliation",
    "statements",
    "transaction_logs",
];

/// The most that a retailer can allow a react or answer call.
const CALL_CEILING: Limits = Limits {
    cpu_ms: 5_000,
    wall_ms: 60_000,
    memory_bytes: 256 << 20,
    table_elements: 100_000,
    output_bytes: 32 << 20,
    log_bytes: 1 << 20,
    host_calls: 1_000_000,
};

/// The most that a retailer can allow a run.
const RUN_CEILING: Limits = Limits {
    cpu_ms: 3_600_000,
    wall_ms: 14_400_000,
    memory_bytes: 256 << 20,
    table_elements: 100_000,
    output_bytes: 16 << 30,
    log_bytes: 16 << 20,
    host_calls: 100_000_000,
};

impl Default for RawHost {
    fn default() -> Self {
        Self {
            data: "data".into(),
            artifacts: "{data}/artifacts".into(),
            plugins: "target/plugins".into(),
            retailers: "retailers".into(),
            workers: 4,
            calls_per_store: 2,
            database: RawDatabase::default(),
            http: RawHttp::default(),
            access: RawAccess::default(),
            metrics: RawMetrics::default(),
            traces: RawTraces::default(),
            log: RawLog::default(),
            retry: RawRetry::default(),
            runs: RawRuns::default(),
            groups: RawGroups::default(),
            kafka: RawKafka::default(),
            members: RawMembers::default(),
            sensitive: RawSensitive::default(),
            statements: RawStatements::default(),
            directories: DIRECTORIES
                .map(|name| (name.to_owned(), format!("{{data}}/files/{name}")))
                .into(),
            limits: CALL_CEILING.into(),
            run_limits: RUN_CEILING.into(),
        }
    }
}

impl Default for RawIssuer {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: String::new(),
            jwks_url: String::new(),
            skew: "60s".into(),
            refetch: "30s".into(),
            scopes: std::collections::BTreeMap::new(),
            retailers_claim: "retailers".into(),
            stores_claim: "stores".into(),
        }
    }
}

impl Default for RawStatements {
    fn default() -> Self {
        Self {
            folder: "{data}/statements".into(),
            max_bytes: "256MiB".into(),
        }
    }
}

impl Default for RawDatabase {
    fn default() -> Self {
        Self {
            url: "sqlite://{data}/galleria.db".into(),
            read_connections: 4,
            write_connections: 16,
            connect_timeout: "5s".into(),
            statement_timeout: "20s".into(),
            lock_timeout: "5s".into(),
        }
    }
}

impl Default for RawHttp {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            body_limit: "1MiB".into(),
            idle: "90s".into(),
            timeout: "30s".into(),
            upload_timeout: "10m".into(),
            drain_notice: "1s".into(),
            drain_within: "30s".into(),
            trusted_proxies: Vec::new(),
            connections_per_client: 64,
            cors_origins: Vec::new(),
            rate: RawRate::default(),
        }
    }
}

impl Default for RawRate {
    fn default() -> Self {
        Self {
            burst: 20,
            every: "200ms".into(),
            status: 429,
        }
    }
}

impl Default for RawTraces {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            sample: 1.0,
            timeout: "5s".into(),
        }
    }
}

impl Default for RawLog {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: "auto".into(),
        }
    }
}

impl Default for RawRetry {
    fn default() -> Self {
        Self {
            first: "1s".into(),
            factor: 4,
            longest: "5m".into(),
            wait_for_cause: "24h".into(),
            early_marks: "72h".into(),
        }
    }
}

impl Default for RawRuns {
    fn default() -> Self {
        Self {
            at_once: 1,
            lease: "30s".into(),
        }
    }
}

impl Default for RawGroups {
    fn default() -> Self {
        let group = |name: &str, tries| RawGroup {
            name: name.into(),
            tries,
        };
        Self {
            lease: "10s".into(),
            payment: group("PAYMENT_GROUP", 3),
            common: group("COMMON_GROUP", 5),
            events: group("GALLERIA_GROUP", 5),
        }
    }
}

impl Default for RawKafka {
    fn default() -> Self {
        Self {
            bootstrap: String::new(),
            api_key: String::new(),
            api_secret: String::new(),
            ca_file: String::new(),
            relay: "GALLERIA_RELAY".into(),
            topics: Vec::new(),
        }
    }
}

impl Default for RawMembers {
    fn default() -> Self {
        let attempts = |burst, every: &str| RawAttempts {
            burst,
            every: every.into(),
        };
        Self {
            floor: "250ms".into(),
            per_store: attempts(300, "200ms"),
            per_client: attempts(60, "1s"),
        }
    }
}

impl Default for RawSensitive {
    fn default() -> Self {
        Self {
            digest_key_file: "{data}/digest.key".into(),
            digest_key: String::new(),
        }
    }
}
