-- Version 3: jobs that fail are counted apart from those that nothing is returned for, and little is said twice.

update tranche.meta set version = 3;

alter table tranche.jobs
    -- How often workers have said that they cannot do it, and why the last time.
    add failed int not null default 0,
    add why text;
alter table tranche.takes add failed int not null default 0;
create index on tranche.takes (worker, run);

-- ---------------------------------------------------------------- for coordinators

-- Puts a job into the queue, in place of one of its name, to be taken after so many seconds. Merges go first: they are what
-- others wait for.
drop function tranche.enqueue(bigint, text, int, int);
create function tranche.enqueue(run bigint, kind text, level int, index int, seconds int default 0) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    class int;
begin
    select r.class into class from tranche.runs r where r.id = enqueue.run;
    perform graphile_worker.add_job(
        'tranche_prove',
        json_build_object('run', run, 'kind', kind, 'level', level, 'index', index),
        job_key := tranche.key(run, kind, level, index),
        run_at := now() + seconds * interval '1 second',
        max_attempts := 10,
        priority := -level,
        flags := array['bytes_2^' || class]
    );
end $$;

-- Makes a job ready once the proofs before it are all accepted.
create or replace function tranche.promote(run bigint, kind text, level int, index int) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update tranche.jobs j set state = 'ready'
    from tranche.runs r
    where j.run = promote.run and j.kind = promote.kind and j.level = promote.level and j.index = promote.index
        and j.state = 'waiting' and r.id = j.run and r.state = 'open'
        and j.children = (
            select count(*) from tranche.jobs c
            where c.run = j.run and c.kind = case j.level when 1 then 'epoch' else 'merge' end and c.level = j.level - 1
                and c.index between j.index * r.arity and j.index * r.arity + r.arity - 1 and c.state = 'accepted'
        );
    if found then
        perform tranche.enqueue(run, kind, level, index);
    end if;
end $$;

-- Takes an offer that was verified, and makes the merge ready that has waited for it. What a batch is made from is wanted
-- for its other steps. Proofs are determined: who could not do again and again what another has done is no good.
create or replace function tranche.accept(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    r tranche.runs;
    old_task bigint;
    bad record;
begin
    delete from tranche.offers where id = offer returning * into o;
    select * into r from tranche.runs where id = o.run;
    select j.task into old_task from tranche.jobs j
    where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index) and r.approach = 'epochs';
    update tranche.jobs j
    set state = 'accepted', proof = o.proof, worker = o.worker, accepted = now(),
        task = case when old_task is null then j.task end
    where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index);
    delete from tranche.blobs where id = old_task;
    update tranche.workers
    set accepted = accepted + 1, proving_seconds = proving_seconds + o.proving_seconds,
        job_seconds = job_seconds + o.job_seconds
    where id = o.worker;
    for bad in
        select t.worker from tranche.takes t
        where (t.run, t.kind, t.level, t.index) = (o.run, o.kind, o.level, o.index)
            and t.failed >= 5 and t.worker <> o.worker
    loop
        perform tranche.mark(bad.worker, format('%s %s/%s failed five times, and another did it', o.kind, o.level, o.index));
    end loop;
    perform tranche.promote(o.run, 'merge', o.level + 1, o.index / r.arity);
end $$;

-- Puts back into the queue what is ready, was not offered, and is not there: a worker may have taken it and returned
-- nothing. Returns why a job of the run was given up.
create or replace function tranche.reconcile(wanted bigint) returns text
language plpgsql security definer set search_path = pg_catalog as $$
declare
    j record;
    reason text;
begin
    for j in
        select job.* from tranche.jobs job join tranche.runs r on r.id = job.run
        where job.run = wanted and r.state = 'open' and job.state = 'ready' and job.failed < 10
            and not exists (
                select from graphile_worker._private_jobs q
                where q.key = tranche.key(job.run, job.kind, job.level, job.index)
            )
            and not exists (
                select from tranche.offers o
                where (o.run, o.kind, o.level, o.index) = (job.run, job.kind, job.level, job.index)
            )
    loop
        perform tranche.enqueue(j.run, j.kind, j.level, j.index);
    end loop;
    select format('job %s failed %s times: %s', tranche.key(job.run, job.kind, job.level, job.index), job.failed, job.why)
    into reason
    from tranche.jobs job where job.run = wanted and job.state = 'ready' and job.failed >= 10
    limit 1;
    if reason is not null then
        return reason;
    end if;
    -- What is not said: a worker that ends with its job.
    select format('job %s failed %s times: %s', q.key, q.attempts, coalesce(q.last_error, 'whoever took it was not heard of again'))
    into reason
    from tranche.jobs job
    join graphile_worker._private_jobs q on q.key = tranche.key(job.run, job.kind, job.level, job.index)
    where job.run = wanted and job.state = 'ready' and q.attempts >= q.max_attempts and q.locked_at is null
    limit 1;
    return reason;
end $$;

-- ---------------------------------------------------------------- for workers

-- Refuses whoever is not, or no longer, the worker that it says. That it was seen is written every five seconds at most.
create or replace function tranche.known(worker bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    w tranche.workers;
begin
    select * into w from tranche.workers where id = worker and login = session_user;
    if not found then
        raise exception 'no such worker' using errcode = 'TF001';
    elsif w.refused is not null then
        raise exception 'refused: %', w.refused using errcode = 'TF002';
    end if;
    if w.seen < now() - interval '5 seconds' then
        update tranche.workers set seen = now() where id = worker;
    end if;
end $$;

drop function tranche.take(bigint, bigint, text, int, int);
-- What a job is proved from, with the first piece of its task: nothing when it is wanted no more, or has failed here often
-- and another is there to try it.
create function tranche.take(me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int)
returns table (header bytea, program bigint, public bigint, task bigint, shared bigint[], first_piece bytea)
language plpgsql security definer set search_path = pg_catalog as $$
declare
    given tranche.takes;
begin
    perform tranche.known(me);
    select r.header, r.program, r.public, j.task, tranche.shared(j.kind, r)
    into header, program, public, task, shared
    from tranche.jobs j join tranche.runs r on r.id = j.run
    where j.run = wanted_run and j.kind = wanted_kind and j.level = wanted_level and j.index = wanted_index
        and j.state = 'ready' and r.state = 'open';
    if not found then
        return;
    end if;
    insert into tranche.takes as t (run, kind, level, index, worker)
    values (wanted_run, wanted_kind, wanted_level, wanted_index, me)
    on conflict (run, kind, level, index, worker) do update set times = t.times + 1
    returning * into given;
    if given.times > 5 then
        update tranche.workers set refused = 'a job was taken five times and nothing was returned' where id = me;
        task := null;
    elsif given.failed >= 5 and exists (
        select from tranche.workers w
        where w.id <> me and w.refused is null and w.seen > now() - interval '1 minute' and not exists (
            select from tranche.takes t
            where t.worker = w.id and t.failed >= 5
                and (t.run, t.kind, t.level, t.index) = (given.run, given.kind, given.level, given.index)
        )
    ) then
        update tranche.takes t set times = 0
        where (t.run, t.kind, t.level, t.index, t.worker) = (given.run, given.kind, given.level, given.index, me);
        return;
    else
        select p.data into first_piece from tranche.pieces p where p.blob = task and p.n = 0;
    end if;
    return next;
end $$;

-- Says that a job cannot be done, and why. It is tried again, after a while that grows, until it has failed ten times.
create function tranche.fail(
    me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int, reason text
) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    so_far int;
begin
    perform tranche.known(me);
    -- For each time that it was given, once.
    update tranche.takes t set times = 0, failed = t.failed + 1
    where (t.run, t.kind, t.level, t.index, t.worker)
        = (wanted_run, wanted_kind, wanted_level, wanted_index, me) and t.times > 0;
    if not found then
        return;
    end if;
    update tranche.jobs j set failed = j.failed + 1, why = left(reason, 1000)
    from tranche.runs r
    where (j.run, j.kind, j.level, j.index) = (wanted_run, wanted_kind, wanted_level, wanted_index)
        and j.state = 'ready' and r.id = j.run and r.state = 'open'
    returning j.failed into so_far;
    if so_far < 10 then
        perform tranche.enqueue(wanted_run, wanted_kind, wanted_level, wanted_index, least(1 << so_far, 60) / 2);
    end if;
end $$;

-- As `known`; how many threads the workers have that were there before, and all of them together.
create function tranche.beat(me bigint, out before bigint, out threads bigint)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.known(me);
    select coalesce(sum(w.threads) filter (where w.id < me), 0), coalesce(sum(w.threads), 0) into before, threads
    from tranche.workers w where w.refused is null and w.seen > now() - interval '1 minute';
end $$;

-- ---------------------------------------------------------------- rights

revoke all on all functions in schema tranche from public;
grant execute on function tranche.enqueue to tranche_coordinator;
grant execute on function tranche.take, tranche.fail, tranche.beat to tranche_worker;
