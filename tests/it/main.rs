//! Client and server talking over loopback.
