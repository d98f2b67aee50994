import { expect, test } from 'vitest';
import { newToaster } from './Toast.tsx';

function opened() {
  let toasts: { id: number; text: unknown }[] = [];
  const { toaster, close } = newToaster((change) => { toasts = change(toasts as never); });
  return { toast: toaster, close, texts: () => toasts.map((t) => t.text), ids: () => toasts.map((t) => t.id) };
}

test('toasts are shown in order, the last four, until they are closed', () => {
  const { toast, close, texts, ids } = opened();
  for (const text of ['a', 'b', 'c', 'd', 'e']) toast(text);
  expect(texts()).toEqual(['b', 'c', 'd', 'e']);
  close(ids()[1]!);
  expect(texts()).toEqual(['b', 'd', 'e']);
});

test('a toast that is outdated is withdrawn', () => {
  const { toast, texts } = opened();
  toast('asked', 'good', 'request-1');
  toast('saved');
  toast.withdraw('request-1');
  expect(texts()).toEqual(['saved']);
});

test('a toast that is outdated before it is shown is not shown', () => {
  const { toast, texts } = opened();
  toast.withdraw('request-1');
  toast('asked', 'good', 'request-1');
  toast('asked', 'good', 'request-2');
  expect(texts()).toEqual(['asked']);
  toast.permit('request-1');
  toast('asked again', 'good', 'request-1');
  expect(texts()).toEqual(['asked', 'asked again']);
});
