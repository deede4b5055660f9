package client

var configUsage = [...]usage{
	{"config-get", `Usage: config-get [options] [KEY]

Print the application's configuration: the value of KEY, or all options that have a value.
It is the same throughout a hook.

Options:
  -a, --all
        options without a value too
` + outputOptions},
}
