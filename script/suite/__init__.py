"""What script/test runs: stages that build, test and check, and the count of what they did."""
