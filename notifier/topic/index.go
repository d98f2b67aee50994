package topic

// Index holds patterns, and finds the first that overlaps another. It compares that one only with the patterns that
// begin alike. The zero Index is empty.
type Index struct {
	count int
	roots map[int]*indexNode // by the number of parts
}

// indexNode stands for the first parts of some patterns. Every node below it stands for one part more.
type indexNode struct {
	first      int                   // the place of the first pattern that begins so
	words      map[string]*indexNode // by the literal that follows
	values     map[Kind][]*indexNode // those of words whose literals are values of a kind, the first one first
	parameters map[Kind]*indexNode   // by the kind of the parameter that follows
}

// Add adds a pattern. Its place is the number of patterns that were added before it.
func (x *Index) Add(p Pattern) {
	place := x.count
	x.count++
	if len(p.parts) == 0 {
		return // it matches nothing
	}
	if x.roots == nil {
		x.roots = map[int]*indexNode{}
	}
	at := x.roots[len(p.parts)]
	if at == nil {
		at = newIndexNode(place)
		x.roots[len(p.parts)] = at
	}
	for _, own := range p.parts {
		at = at.add(own, place)
	}
}

// FirstOverlap returns the place of the first pattern that overlaps p, as Overlaps says; -1 if none does.
func (x *Index) FirstOverlap(p Pattern) int {
	found := -1
	x.walk(p, func(at *indexNode, whole bool) bool {
		if found >= 0 && at.first >= found {
			return false
		}
		if whole {
			found = at.first
		}
		return true
	})
	return found
}

// walk calls visit for each node whose patterns begin with parts that overlap those of p. whole says that these are all
// the parts. visit returns whether to go on below the node.
func (x *Index) walk(p Pattern, visit func(at *indexNode, whole bool) bool) {
	if root := x.roots[len(p.parts)]; root != nil {
		root.walk(p.parts, visit)
	}
}

func newIndexNode(place int) *indexNode {
	return &indexNode{first: place, words: map[string]*indexNode{}, values: map[Kind][]*indexNode{}, parameters: map[Kind]*indexNode{}}
}

// add returns the node below n for a part, which it makes for the pattern at place if there is none.
func (n *indexNode) add(own part, place int) *indexNode {
	if !own.isLiteral() {
		if n.parameters[own.parameter.Kind] == nil {
			n.parameters[own.parameter.Kind] = newIndexNode(place)
		}
		return n.parameters[own.parameter.Kind]
	}
	if known := n.words[own.literal]; known != nil {
		return known
	}
	added := newIndexNode(place)
	n.words[own.literal] = added
	for _, kind := range Kinds() {
		if _, ok := kind.Spell(own.literal); ok {
			n.values[kind] = append(n.values[kind], added)
		}
	}
	return added
}

func (n *indexNode) walk(rest []part, visit func(at *indexNode, whole bool) bool) {
	if !visit(n, len(rest) == 0) || len(rest) == 0 {
		return
	}
	next, rest := rest[0], rest[1:]
	for kind, below := range n.parameters {
		if next.overlaps(part{parameter: Parameter{"any", kind}}) {
			below.walk(rest, visit)
		}
	}
	if !next.isLiteral() {
		for _, below := range n.values[next.parameter.Kind] {
			below.walk(rest, visit)
		}
	} else if below := n.words[next.literal]; below != nil {
		below.walk(rest, visit)
	}
}
