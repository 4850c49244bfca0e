//! Journeys of records.
