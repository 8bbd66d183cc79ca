"""The guided tour: fills the databases and shows what the library does with them."""
