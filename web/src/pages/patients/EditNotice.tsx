import { Button } from '../../ui/Button.tsx';
import { Notice } from '../../ui/Notice.tsx';
import { labels, shown } from './edit.ts';
import type { Editing } from './useEdit.ts';

interface Props {
  editing: Editing;
  onKeep: () => void;
  onTake: () => void;
  onAdmitAgain: () => void;
}

export const hasNotice = ({ edit, failed }: Editing) => edit.deleted || failed !== '' || edit.foreign.length > 0;

// EditNotice is shown under the edited row. It reports what other users have changed in it meanwhile.
export function EditNotice({ editing: { edit, failed }, onKeep, onTake, onAdmitAgain }: Props) {
  if (edit.deleted) {
    return (
      <Notice tone="bad" actions={<Button small onClick={onAdmitAgain}>Admit again</Button>}>
        This patient was deleted while you were editing. Your input is still here.
      </Notice>
    );
  }
  if (failed) return <Notice tone="bad">{failed}</Notice>;
  const both = edit.foreign.some(({ mine }) => mine);
  return (
    <Notice
      tone="warn"
      actions={both
        ? <><Button small onClick={onKeep}>Keep mine</Button><Button small onClick={onTake}>Take theirs</Button></>
        : <Button small onClick={onKeep}>OK</Button>}
    >
      This row was changed while you were editing:{' '}
      {edit.foreign.map(({ field, value, mine }, i) => (
        <span key={field}>{i > 0 && ', '}{labels[field]} is now <b>{shown(field, value)}</b>{both && !mine && ' (updated here)'}</span>
      ))}.
    </Notice>
  );
}
