-- Version 4: whoever coordinates and whoever judges may be different processes, and many judge at once. What is judged is in
-- somebody's hand: its rows are locked as long as that transaction goes on.

update tranche.meta set version = 4;

-- What the proof of an epoch has to say; of a merge its task says it.
alter table tranche.jobs add claim bigint references tranche.blobs;
-- Of epochs that are not accepted nobody has said it yet, and tasks of merges have a checksum now: they are planned anew.
with gone as (
    delete from tranche.jobs where kind in ('epoch', 'merge') and state <> 'accepted' returning task
)
delete from tranche.blobs b using gone where b.id = gone.task;

-- Whoever deletes a blob asks whether it is still named.
create index on tranche.jobs (task) where task is not null;
create index on tranche.jobs (proof) where proof is not null;
create index on tranche.jobs (claim) where claim is not null;
create index on tranche.offers (proof);

-- A row for each run in epochs, held alone by whoever puts jobs of it into the database, and shared by whoever accepts one: a
-- merge is there when its last child is accepted, or finds it accepted.
create table tranche.job_locks (run bigint primary key references tranche.runs on delete cascade);
insert into tranche.job_locks (run) select id from tranche.runs where approach = 'epochs';

-- What was taken of a worker. Nothing that a worker calls writes these rows, so that it holds up nobody.
create table tranche.tallies (
    worker bigint primary key references tranche.workers on delete cascade,
    accepted int not null default 0,
    repeated int not null default 0,
    proving_seconds float8 not null default 0,
    job_seconds float8 not null default 0
);
insert into tranche.tallies (worker, accepted, repeated, proving_seconds, job_seconds)
select id, accepted, repeated, proving_seconds, job_seconds from tranche.workers;
alter table tranche.workers drop accepted, drop repeated, drop proving_seconds, drop job_seconds;

-- Those who judge beside coordinators.
create table tranche.judges (
    id bigint generated always as identity primary key,
    name text not null,
    threads int not null,
    seen timestamptz not null default now(),
    -- Until when it counts as one that is there.
    until timestamptz not null,
    judged bigint not null default 0,
    -- Runs that it says nothing of: their coordinators do.
    left_out bigint[] not null default '{}'
);

-- ---------------------------------------------------------------- for coordinators and judges

-- How long the transaction may do nothing, wait for a lock, or send what nobody takes.
create function tranche.lease(lease_ms int) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform set_config('idle_in_transaction_session_timeout', lease_ms::text, true);
    perform set_config('lock_timeout', lease_ms::text, true);
    perform set_config('tcp_user_timeout', lease_ms::text, true);
end $$;

-- Begins to put jobs of a run into the database; false when it is no longer open. Its row is locked, so that nothing of a run
-- that was just closed is left behind. Whoever does nothing for so long loses both locks with the connection.
create function tranche.plan(wanted bigint, so_far bigint, all_epochs int, lease_ms int) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.lease(lease_ms);
    update tranche.runs r
    set planned_cycles = greatest(r.planned_cycles, so_far), epochs = coalesce(all_epochs, r.epochs)
    where r.id = wanted and r.state = 'open';
    if not found then
        return false;
    end if;
    insert into tranche.job_locks (run) values (wanted) on conflict do nothing;
    perform from tranche.job_locks where run = wanted for update;
    return true;
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
create function tranche.hand(wanted bigint, left_out bigint[], lease_ms int)
returns table (
    offer bigint, run bigint, kind text, level int, index int, worker bigint, proof bigint, known bigint, claim bigint,
    program bigint
) language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.lease(lease_ms);
    return query
        select o.id, o.run, o.kind, o.level, o.index, o.worker, o.proof, j.proof, coalesce(j.claim, j.task), r.program
        from tranche.offers o
        join tranche.jobs j on (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index)
        join tranche.runs r on r.id = o.run
        where r.state = 'open' and r.approach = 'epochs' and (wanted is null or o.run = wanted)
            and o.run <> all (left_out)
        order by o.id limit 1
        for no key update of o, j skip locked;
end $$;

-- Takes an offer that was verified, and makes the merge ready that has waited for it. What a batch is made from is wanted
-- for its other steps. Proofs are determined: who could not do again and again what another has done is no good. False when the
-- offer is gone, as its worker was marked meanwhile.
drop function tranche.accept(bigint);
create function tranche.accept(offer bigint) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    r tranche.runs;
    old bigint[];
    bad record;
begin
    delete from tranche.offers where id = offer returning * into o;
    if not found then
        return false;
    end if;
    perform from tranche.job_locks where run = o.run for share;
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
    perform tranche.tally(o.worker, 1, 0, o.proving_seconds, o.job_seconds);
    for bad in
        select t.worker from tranche.takes t
        where (t.run, t.kind, t.level, t.index) = (o.run, o.kind, o.level, o.index)
            and t.failed >= 5 and t.worker <> o.worker
    loop
        perform tranche.mark(bad.worker, format('%s %s/%s failed five times, and another did it', o.kind, o.level, o.index));
    end loop;
    perform tranche.promote(o.run, 'merge', o.level + 1, o.index / r.arity);
    return true;
end $$;

-- Counts what was taken of a worker.
create function tranche.tally(worker bigint, accepted int, repeated int, proving float8, whole float8) returns void
language sql security definer set search_path = pg_catalog as $$
    insert into tranche.tallies as t (worker, accepted, repeated, proving_seconds, job_seconds)
    values (tally.worker, tally.accepted, tally.repeated, proving, whole)
    on conflict (worker) do update
    set accepted = t.accepted + excluded.accepted, repeated = t.repeated + excluded.repeated,
        proving_seconds = t.proving_seconds + excluded.proving_seconds,
        job_seconds = t.job_seconds + excluded.job_seconds
$$;

-- Drops an offer of a job that has an equal proof.
create or replace function tranche.repeat(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
begin
    delete from tranche.offers where id = offer returning * into o;
    if found then
        delete from tranche.blobs where id = o.proof;
        perform tranche.tally(o.worker, 0, 1, 0, 0);
    end if;
end $$;

-- Marks a worker: what it has offered anywhere is done again by others. A worker that holds its own row, in a transaction that
-- it does not end, is marked another time; what it has offered is dropped all the same.
create or replace function tranche.mark(bad bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    other tranche.offers;
begin
    perform from tranche.offers where worker = bad order by id for update;
    begin
        perform set_config('lock_timeout', '1000', true);
        update tranche.workers set refused = coalesce(refused, reason) where id = bad;
    exception when lock_not_available then
        null;
    end;
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
    delete from graphile_worker._private_jobs q using graphile_worker._private_tasks t
    where t.id = q.task_id and t.identifier = 'tranche_prove'
        and q.key is null and q.locked_at is null and q.attempts >= q.max_attempts;
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

-- A judge that is still there, what it has judged, and the runs that it says nothing of; with a lease of nothing it is there
-- no longer.
create function tranche.stay(me bigint, judged_so_far bigint, runs bigint[], lease_ms int) returns void
language sql security definer set search_path = pg_catalog as $$
    update tranche.judges
    set seen = now(), until = now() + lease_ms * interval '1 millisecond', judged = judged_so_far, left_out = runs
    where id = me
$$;

-- ---------------------------------------------------------------- for workers

-- Refuses whoever is not, or no longer, the worker that it says.
create function tranche.admit(worker bigint) returns tranche.workers
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
    return w;
end $$;

-- As `admit`. That the worker was seen is written every five seconds at most, and not where a transaction goes on.
create or replace function tranche.known(worker bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    w tranche.workers := tranche.admit(worker);
begin
    if w.seen < now() - interval '5 seconds' then
        update tranche.workers set seen = now() where id = worker;
    end if;
end $$;

-- Room for what a job that the worker has taken comes to; nothing when it is wanted no more. The codewords of a batch are
-- larger than a proof.
create or replace function tranche.room(me bigint, wanted_run bigint, proof_bytes bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    number bigint;
    most bigint;
begin
    perform tranche.admit(me);
    select case r.approach when 'retire' then 1 << 29 else 1 << 26 end into most
    from tranche.takes t join tranche.runs r on r.id = t.run
    where t.worker = me and t.run = wanted_run and r.state = 'open' limit 1;
    if not found then
        return null;
    end if;
    if proof_bytes > most then
        raise exception 'a proof of % bytes', proof_bytes using errcode = 'TF003';
    end if;
    insert into tranche.blobs (run, bytes) values (wanted_run, proof_bytes) returning id into number;
    return number;
end $$;

-- Offers the proof of a job, which the same transaction has made room for. False when it is wanted no more.
create or replace function tranche.offer(
    me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int, blob bigint,
    proving float8, whole float8
) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.admit(me);
    perform from tranche.blobs b
    where b.id = blob and b.run = wanted_run and b.xmin::text = (txid_current() % (2 ^ 32)::bigint)::text
        and not exists (select from tranche.offers o where o.proof = blob);
    if not found or not (proving between 0 and 1e9) or not (whole between 0 and 1e9) then
        raise exception 'no proof of this transaction, or no time' using errcode = 'TF003';
    end if;
    update tranche.takes t set offered = true, times = 0
    where (t.run, t.kind, t.level, t.index, t.worker)
        = (wanted_run, wanted_kind, wanted_level, wanted_index, me);
    if not found then
        return false;
    end if;
    insert into tranche.offers (run, kind, level, index, worker, proof, proving_seconds, job_seconds)
    values (wanted_run, wanted_kind, wanted_level, wanted_index, me, blob, proving, whole);
    return true;
end $$;

-- ---------------------------------------------------------------- rights

revoke all on all functions in schema tranche from public;
grant select on tranche.judges, tranche.tallies to tranche_coordinator;
grant execute on function
    tranche.plan, tranche.put_job, tranche.hand, tranche.accept, tranche.sit, tranche.stay
    to tranche_coordinator;
