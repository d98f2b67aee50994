package rowcalltest

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// element is an element of a page, named as a screen reader names it.
type element struct{ role, name string }

func (e element) String() string { return fmt.Sprintf("%s %q", e.role, e.name) }

// all returns the elements with this role and name that a screen reader can see.
func (e element) all(ctx context.Context, t *chromedp.Target) ([]cdp.BackendNodeID, error) {
	document, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return nil, err
	}
	found, err := cdp.Call(ctx, t, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		ObjectID: document.Result.ObjectID, Role: e.role, AccessibleName: e.name,
	})
	if err != nil {
		return nil, err
	}
	var ids []cdp.BackendNodeID
	for _, node := range found.Nodes {
		if !node.Ignored {
			ids = append(ids, node.BackendDOMNodeID)
		}
	}
	return ids, nil
}

// middleScript scrolls to an element and returns its middle, or null if the element is covered,
// disabled or moving.
const middleScript = `function() {
	if (this.disabled) return null;
	this.scrollIntoView({ block: 'center', behavior: 'instant' });
	const box = this.getBoundingClientRect();
	const at = [box.x + box.width / 2, box.y + box.height / 2];
	const top = document.elementFromPoint(...at);
	const moving = this.getAnimations?.().length > 0;
	return top && !moving && (this.contains(top) || top.contains(this) || [...(this.labels ?? [])].some((label) => label.contains(top))) ? at : null;
}`

// spot returns the middle of the first such element, or nil while a click would not reach it.
func (e element) spot(ctx context.Context, t *chromedp.Target) ([]float64, error) {
	ids, err := e.all(ctx, t)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	node, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: ids[0]})
	if err != nil {
		return nil, err
	}
	byValue := true
	answer, err := cdp.Call(ctx, t, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: middleScript, ObjectID: node.Object.ObjectID, ReturnByValue: &byValue,
	})
	if err != nil {
		return nil, err
	}
	var at []float64
	err = json.Unmarshal(answer.Result.Value, &at)
	return at, err
}
