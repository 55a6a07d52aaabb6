"""Rules about the C sources that no compiler and no linter knows. Run: script/check-sources"""
