package client

import (
	"io"
	"strconv"
	"syscall"
)

// Exit codes of a tool.
const (
	ExitOK     = 0
	ExitFailed = 1 // it failed while it ran, or the agent could not be asked
	ExitUsage  = 2 // it was called in a wrong way
)

// Main runs the tool that argv names and returns its exit code. The tool is the last
// element of argv[0]'s path if that is a tool's name, as a symlink to the program has it,
// else argv[1]. The agent and the hook are found through the environment.
//
// Main reads stdin only if the agent asks for it.
func Main(argv []string, stdin io.Reader, stdout, stderr io.Writer) int {
	tool, args, problem := toolOf(argv)
	if tool == "--help" || tool == "-h" {
		return show(stdout, stderr, Answer{Stdout: []byte(overview())})
	}
	if problem != "" {
		return fail(stderr, ExitUsage, problem)
	}
	answer, problem := ask(tool, args, stdin)
	switch {
	case problem == "":
		return show(stdout, stderr, answer)
	case helpAsked(args):
		// Outside a hook there is nobody to ask, but help is still to be had.
		return show(stdout, stderr, Answer{Stdout: []byte(Usage(tool))})
	default:
		return fail(stderr, ExitFailed, problem)
	}
}

func toolOf(argv []string) (tool string, args []string, problem string) {
	if len(argv) > 0 {
		tool, args = base(argv[0]), argv[1:]
	}
	if IsTool(tool) {
		return tool, args, ""
	}
	if len(args) == 0 {
		return "", nil, "no hook tool named: start this program under a tool's name, or with it as the first argument"
	}
	tool, args = args[0], args[1:]
	if !IsTool(tool) {
		problem = "unknown hook tool " + strconv.Quote(tool)
	}
	return tool, args, problem
}

func helpAsked(args []string) bool {
	for _, arg := range args {
		switch arg {
		case "--":
			return false
		case "--help", "-h":
			return true
		}
	}
	return false
}

// show does what the answer says and returns the exit code.
func show(stdout, stderr io.Writer, answer Answer) int {
	if len(answer.Stderr) > 0 {
		stderr.Write(answer.Stderr)
	}
	if name := answer.OutputFile; name != "" {
		out, err := open(name, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC)
		if err == nil {
			_, err = out.Write(answer.Stdout)
			if closeErr := out.close(); err == nil {
				err = closeErr
			}
		}
		if err != nil {
			return fail(stderr, ExitFailed, "cannot write "+name+": "+err.Error())
		}
	} else if len(answer.Stdout) > 0 {
		if _, err := stdout.Write(answer.Stdout); err != nil {
			return fail(stderr, ExitFailed, "cannot write to standard output: "+err.Error())
		}
	}
	return int(answer.Code)
}

func fail(stderr io.Writer, code int, problem string) int {
	io.WriteString(stderr, "ERROR "+problem+"\n")
	return code
}
