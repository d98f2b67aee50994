import { useSearchParams } from 'wouter';
import { useUser } from '../../data/user.tsx';
import { NeedsLogin } from '../../ui/NeedsLogin.tsx';
import { Page } from '../../ui/Page.tsx';
import { JobList } from './JobList.tsx';
import { StartJob } from './StartJob.tsx';
import { WhoseJobs } from './WhoseJobs.tsx';

// Jobs are those of the person who is logged in. Staff may look at somebody else's.
export default function Jobs() {
  const { user } = useUser();
  const [params] = useSearchParams();
  const asked = Number.parseInt(params.get('user') ?? '', 10);
  const whose = user?.is_staff && asked > 0 ? asked : user?.id;
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
