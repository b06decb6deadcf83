//! The dashboard (the door of ratatui and crossterm).
