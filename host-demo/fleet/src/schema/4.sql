-- Version 4: whoever coordinates and whoever judges may be different processes, and many judge at once. What is judged is in
-- somebody's hand: its rows are locked as long as that transaction goes on.

update tranche.meta set version = 4;

-- What the proof of an epoch has to say; of a merge its task says it.
alter table tranche.jobs add claim bigint references tranche.blobs;
-- Of epochs that are not accepted nobody has said it yet: they are planned anew.
with gone as (delete from tranche.jobs where kind = 'epoch' and state <> 'accepted' returning task)
delete from tranche.blobs b using gone where b.id = gone.task;

-- Those who judge beside coordinators.
create table tranche.judges (
    id bigint generated always as identity primary key,
    name text not null,
    threads int not null,
    seen timestamptz not null default now(),
    -- Until when it counts as one that is there.
    until timestamptz not null,
    judged bigint not null default 0
);

-- ---------------------------------------------------------------- for coordinators and judges

-- Held exclusively by whoever puts jobs of a run into the database, and shared by whoever accepts one: a merge is there when
-- its last child is accepted, or finds it accepted. It ends with the transaction.
create function tranche.lock_jobs(run bigint, alone boolean) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    if alone then
        perform pg_advisory_xact_lock(x'54726a6f'::int, run::int);
    else
        perform pg_advisory_xact_lock_shared(x'54726a6f'::int, run::int);
    end if;
end $$;

-- Begins to put jobs of a run into the database; false when it is no longer open. Its row is locked, so that nothing of a run
-- that was just closed is left behind.
create function tranche.plan(wanted bigint, so_far bigint, all_epochs int) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.lock_jobs(wanted, true);
    update tranche.runs set planned_cycles = so_far, epochs = all_epochs where id = wanted and state = 'open';
    return found;
end $$;

-- Bytes of a run, of which these are the first piece.
create function tranche.put(wanted bigint, all_bytes bigint, first_piece bytea) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    number bigint;
begin
    insert into tranche.blobs (run, bytes) values (wanted, all_bytes) returning id into number;
    insert into tranche.pieces (blob, n, data) values (number, 0, first_piece);
    return number;
end $$;

-- Puts a job into the database, and into the queue when nothing has to come before it. Of its task and of what its proof has to
-- say these are the first pieces; returns where the others go.
create function tranche.put_job(
    run bigint, kind text, level int, index int, frame smallint, fixed bytea, children int,
    task_bytes bigint, task_piece bytea, claim_bytes bigint, claim_piece bytea, out task bigint, out claim bigint
) language plpgsql security definer set search_path = pg_catalog as $$
begin
    task := tranche.put(run, task_bytes, task_piece);
    if claim_bytes > 0 then
        claim := tranche.put(run, claim_bytes, claim_piece);
    end if;
    insert into tranche.jobs (run, kind, level, index, frame, fixed, children, task, claim)
    values (run, kind, level, index, frame, fixed, children, task, claim);
    perform tranche.promote(run, kind, level, index);
end $$;

-- Makes a job ready once the proofs before it are all accepted. Of those that are accepted at once, each sees all that had the
-- job's row before it.
create or replace function tranche.promote(run bigint, kind text, level int, index int) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform from tranche.jobs j
    where j.run = promote.run and j.kind = promote.kind and j.level = promote.level and j.index = promote.index
        and j.state = 'waiting'
    for no key update;
    if not found then
        return;
    end if;
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

-- The earliest offer of a run in epochs, or of any, that is in nobody's hand: until the transaction ends it is in the caller's,
-- and so is its job. Who does nothing with it for so long loses it with the connection.
create function tranche.hand(wanted bigint, lease_ms int)
returns table (
    offer bigint, run bigint, kind text, level int, index int, worker bigint, proof bigint, known bigint, claim bigint,
    program bigint
) language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform set_config('idle_in_transaction_session_timeout', lease_ms::text, true);
    return query
        select o.id, o.run, o.kind, o.level, o.index, o.worker, o.proof, j.proof, coalesce(j.claim, j.task), r.program
        from tranche.offers o
        join tranche.jobs j on (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index)
        join tranche.runs r on r.id = o.run
        where r.state = 'open' and r.approach = 'epochs' and (wanted is null or o.run = wanted)
        order by o.id limit 1
        for no key update of o, j skip locked;
end $$;

-- Takes an offer that was verified, and makes the merge ready that has waited for it. What a batch is made from is wanted
-- for its other steps. Proofs are determined: who could not do again and again what another has done is no good.
create or replace function tranche.accept(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    r tranche.runs;
    old bigint[];
    bad record;
begin
    delete from tranche.offers where id = offer returning * into o;
    perform tranche.lock_jobs(o.run, false);
    select * into r from tranche.runs where id = o.run;
    if r.approach = 'epochs' then
        select array[j.task, j.claim] into old from tranche.jobs j
        where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index);
    end if;
    update tranche.jobs j
    set state = 'accepted', proof = o.proof, worker = o.worker, accepted = now(),
        task = case when old is null then j.task end, claim = null
    where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index);
    delete from tranche.blobs where id = any (old);
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

-- Marks a worker: what it has offered anywhere is done again by others. Offers come before workers, and in their order, so that
-- those who judge at once wait for each other in one direction.
create or replace function tranche.mark(bad bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    other tranche.offers;
begin
    perform from tranche.offers where worker = bad order by id for update;
    update tranche.workers set refused = coalesce(refused, reason) where id = bad;
    for other in delete from tranche.offers where worker = bad returning * loop
        delete from tranche.blobs where id = other.proof;
        if exists (
            select from tranche.jobs j
            where (j.run, j.kind, j.level, j.index) = (other.run, other.kind, other.level, other.index)
                and j.state = 'ready'
        ) then
            perform tranche.enqueue(other.run, other.kind, other.level, other.index);
        end if;
    end loop;
end $$;

-- Removes what has expired, workers that were not seen for a day, and what the queue keeps of jobs that were put into it anew
-- while a worker had them who was not heard of again. Returns the runs removed.
create or replace function tranche.sweep() returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    swept bigint := 0;
    old bigint;
begin
    for old in select id from tranche.runs where expires <= now() loop
        perform tranche.close(old, 'failed', 'the run has expired');
        delete from tranche.jobs where run = old;
        delete from tranche.runs where id = old;
        swept := swept + 1;
    end loop;
    delete from tranche.workers w
    where seen < now() - interval '1 day' and refused is null
        and not exists (select from tranche.jobs j where j.worker = w.id)
        and not exists (select from tranche.takes t where t.worker = w.id)
        and not exists (select from tranche.offers o where o.worker = w.id);
    delete from graphile_worker._private_jobs
    where key is null and locked_at is null and attempts >= max_attempts;
    return swept;
end $$;

-- A judge that is there from now on.
create function tranche.sit(judge_name text, judge_threads int, lease_ms int) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    number bigint;
begin
    delete from tranche.judges where until < now() - interval '1 day';
    insert into tranche.judges (name, threads, until)
    values (judge_name, judge_threads, now() + lease_ms * interval '1 millisecond') returning id into number;
    return number;
end $$;

-- A judge that is still there, and what it has judged; with a lease of nothing it is so no longer.
create function tranche.stay(me bigint, judged_so_far bigint, lease_ms int) returns void
language sql security definer set search_path = pg_catalog as $$
    update tranche.judges
    set seen = now(), until = now() + lease_ms * interval '1 millisecond', judged = judged_so_far where id = me
$$;

-- ---------------------------------------------------------------- rights

revoke all on all functions in schema tranche from public;
grant select on tranche.judges to tranche_coordinator;
grant execute on function
    tranche.plan, tranche.put_job, tranche.hand, tranche.sit, tranche.stay
    to tranche_coordinator;
