package main

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

// thing is what a screen reader would call by this role and name.
type thing struct{ role, name string }

func (th thing) String() string { return fmt.Sprintf("%s %q", th.role, th.name) }

// all finds the things in the page that are there for a screen reader.
func (th thing) all(ctx context.Context, t *chromedp.Target) ([]cdp.BackendNodeID, error) {
	document, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	if err != nil {
		return nil, err
	}
	found, err := cdp.Call(ctx, t, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
		ObjectID: document.Result.ObjectID, Role: th.role, AccessibleName: th.name,
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

// where brings an element into sight and gives its middle, unless it is covered, disabled or on its way.
const where = `function() {
	if (this.disabled) return null;
	this.scrollIntoView({ block: 'center', behavior: 'instant' });
	const box = this.getBoundingClientRect();
	const at = [box.x + box.width / 2, box.y + box.height / 2];
	const top = document.elementFromPoint(...at);
	const moving = this.getAnimations?.().length > 0;
	return top && !moving && (this.contains(top) || top.contains(this) || [...(this.labels ?? [])].some((label) => label.contains(top))) ? at : null;
}`

// spot is the middle of the first such thing, or nil while none can be clicked on.
func (th thing) spot(ctx context.Context, t *chromedp.Target) ([]float64, error) {
	ids, err := th.all(ctx, t)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	node, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: ids[0]})
	if err != nil {
		return nil, err
	}
	byValue := true
	answer, err := cdp.Call(ctx, t, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: where, ObjectID: node.Object.ObjectID, ReturnByValue: &byValue,
	})
	if err != nil {
		return nil, err
	}
	var at []float64
	err = json.Unmarshal(answer.Result.Value, &at)
	return at, err
}
