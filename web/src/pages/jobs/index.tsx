import { useSearchParams } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { NeedsLogin } from '../../ui/NeedsLogin.tsx';
import { Page } from '../../ui/Page.tsx';
import { JobList } from './JobList.tsx';
import { StartJob } from './StartJob.tsx';
import { WhoseJobs } from './WhoseJobs.tsx';

// Jobs shows the jobs of the logged-in user. Staff can choose another user.
export default function Jobs() {
  const { user } = useUser();
  const [params] = useSearchParams();
  const asked = params.get('user') ?? '';
  const whose = user?.is_staff && /^[1-9][0-9]*$/.test(asked) ? asked : user?.id;
  const mine = whose === user?.id;
  const sql = [
    `UPDATE job_postings SET state = 'running', progress = 75 WHERE user_id = ${whose ?? 1};`,
    `INSERT INTO job_postings (user_id, title) VALUES (${whose ?? 1}, 'Sort the spring collection');`,
  ];
  return (
    <Page title="Jobs" intro={`${mine ? 'Your job postings' : 'Another user’s job postings'} and their progress. States and progress bars follow the database.`} sql={sql}>
      <NeedsLogin what="your jobs">
        {user?.is_staff && <WhoseJobs whose={whose!} />}
        {mine && <StartJob />}
        {whose && <JobList key={whose} whose={whose} mine={mine} />}
      </NeedsLogin>
    </Page>
  );
}
