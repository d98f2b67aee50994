package typescript

import (
	"fmt"
	"slices"
	"strings"
)

// maxCompared bounds the work of comparing two files line by line: the product of their numbers of lines.
const maxCompared = 50_000_000

// Difference tells the lines by which a file differs from what it should be, each with a sign in front, below the line that
// begins the part of the file that they are in. It is empty if nothing differs.
func Difference(file, want string) string {
	if file == want {
		return ""
	}
	a, b := strings.Split(file, "\n"), strings.Split(want, "\n")
	start := 0
	for start < min(len(a), len(b)) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < min(len(a), len(b))-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	common := a[:start]
	a, b = a[start:len(a)-end], b[start:len(b)-end]
	if len(a)*len(b) > maxCompared {
		return fmt.Sprintf("they differ from line %d on", start+1)
	}
	return signedLines(common, a, b)
}

// signedLines are the lines that differ between a and b, which stand behind common lines.
func signedLines(common, a, b []string) string {
	longest := longestCommon(a, b)
	var out []string
	part, told := lastPart(common), ""
	tell := func(sign, line string) {
		if part != told {
			out, told = append(out, "  "+part), part
		}
		out = append(out, sign+" "+line)
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			if beginsPart(a[i]) {
				part = a[i]
			}
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && longest[i+1][j] >= longest[i][j+1]:
			tell("-", a[i])
			i++
		default:
			tell("+", b[j])
			j++
		}
	}
	return strings.Join(out, "\n")
}

// longestCommon has, for each i and j, how many lines a[i:] and b[j:] have in common, in their order.
func longestCommon(a, b []string) [][]int32 {
	longest := make([][]int32, len(a)+1)
	for i := range longest {
		longest[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	return longest
}

// lastPart is the last line that begins a part.
func lastPart(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if beginsPart(line) {
			return line
		}
	}
	return ""
}

func beginsPart(line string) bool { return strings.HasPrefix(line, "export ") }
