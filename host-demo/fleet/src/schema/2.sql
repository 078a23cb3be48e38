-- Version 2: runs of one proof, whose batches are committed, argued and opened.

update tranche.meta set version = 2;

alter table tranche.runs
    add approach text not null default 'epochs' check (approach in ('epochs', 'retire')),
    -- How often the batches were argued or opened anew, as a record before was false.
    add round int not null default 0,
    -- What the batches of a run share: the records of all commitments, what each batch is opened at, and what stands
    -- between their records in the bundle.
    add commitments bigint,
    add queries bigint,
    add joined bigint,
    -- The public input, if there is one.
    add public bigint;

alter table tranche.jobs
    drop constraint jobs_kind_check,
    add constraint jobs_kind_check check (kind in ('epoch', 'merge', 'commit', 'argue', 'open')),
    alter frame set default 0,
    alter fixed set default '',
    alter children set default 0;

-- What the task of a job has besides its own bytes.
create function tranche.shared(kind text, r tranche.runs) returns bigint[] language sql immutable as
$$ select case kind when 'argue' then array[r.commitments] when 'open' then array[r.commitments, r.queries]
    else array[]::bigint[] end $$;

-- ---------------------------------------------------------------- for coordinators

-- Puts a step of a batch into the database, and into the queue.
create function tranche.put_batch(run bigint, kind text, level int, index int, task bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into tranche.jobs (run, kind, level, index, state, task) values (run, kind, level, index, 'ready', task);
    perform tranche.enqueue(run, kind, level, index);
end $$;

-- Takes an offer that was verified, and makes the merge ready that has waited for it. What a batch is made from is wanted
-- for its other steps.
create or replace function tranche.accept(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    r tranche.runs;
    old_task bigint;
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
    perform tranche.promote(o.run, 'merge', o.level + 1, o.index / r.arity);
end $$;

-- Removes the jobs of some kinds of a run, and what was returned for them.
create function tranche.drop_jobs(wanted bigint, kinds text[]) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    old bigint[];
begin
    delete from graphile_worker._private_jobs q using tranche.jobs j
    where j.run = wanted and j.kind = any (kinds)
        and q.key = tranche.key(j.run, j.kind, j.level, j.index) and q.locked_at is null;
    select array_agg(proof) into old from (
        select j.proof from tranche.jobs j where j.run = wanted and j.kind = any (kinds)
        union all select o.proof from tranche.offers o where o.run = wanted and o.kind = any (kinds)
    ) of_jobs;
    delete from tranche.jobs where run = wanted and kind = any (kinds);
    delete from tranche.blobs where id = any (old);
end $$;

-- Has others do again what a worker has committed to and argued in a run, and all that follows from it: such records are
-- not known to be true before the batch is opened. Their round is another one, so that nobody who still works on what is
-- dropped is taken for a liar.
create function tranche.redo(wanted bigint, bad bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    first text;
    old bigint[];
    r tranche.runs;
    j record;
begin
    select case when bool_or(kind = 'commit') then 'commit' else min(kind) end into first from tranche.jobs
    where run = wanted and worker = bad and state = 'accepted' and kind in ('commit', 'argue');
    if first is null then
        return;
    end if;
    perform tranche.drop_jobs(wanted, case first when 'commit' then array['argue', 'open'] else array['open'] end);
    select array_agg(proof) into old from tranche.jobs where run = wanted and worker = bad and kind = first;
    for j in
        update tranche.jobs set state = 'ready', proof = null, worker = null, accepted = null
        where run = wanted and worker = bad and kind = first returning *
    loop
        perform tranche.enqueue(j.run, j.kind, j.level, j.index);
    end loop;
    select * into r from tranche.runs where id = wanted;
    old := old || r.queries || r.joined;
    if first = 'commit' then
        old := old || r.commitments;
        r.commitments := null;
    end if;
    update tranche.runs set round = round + 1, commitments = r.commitments, queries = null, joined = null
    where id = wanted;
    delete from tranche.blobs where id = any (old);
end $$;

-- Marks a worker: what it has offered anywhere is done again by others.
create function tranche.mark(bad bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    other tranche.offers;
begin
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

-- Drops an offer and marks its worker.
create or replace function tranche.refuse(offer bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
begin
    select * into o from tranche.offers where id = offer;
    perform tranche.mark(o.worker, reason);
    perform tranche.redo(o.run, o.worker);
end $$;

-- Takes back a record that was accepted and is false, and marks its worker.
create function tranche.retract(wanted bigint, wanted_kind text, wanted_index int, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    bad bigint;
begin
    select worker into bad from tranche.jobs
    where run = wanted and kind = wanted_kind and index = wanted_index and state = 'accepted';
    perform tranche.mark(bad, reason);
    perform tranche.redo(wanted, bad);
end $$;

create or replace function tranche.forget(wanted bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update tranche.runs
    set program = null, input = null, output = null, public = null, commitments = null, queries = null, joined = null
    where id = wanted and state <> 'open';
    if found then
        delete from tranche.jobs where run = wanted;
        delete from tranche.blobs where run = wanted;
    end if;
end $$;

-- ---------------------------------------------------------------- for workers

drop function tranche.take(bigint, bigint, text, int, int);
-- What a job is proved from: nothing when it is wanted no more.
create function tranche.take(me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int)
returns table (header bytea, program bigint, public bigint, task bigint, shared bigint[])
language plpgsql security definer set search_path = pg_catalog as $$
declare
    given int;
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
    returning times into given;
    if given > 5 then
        update tranche.workers set refused = 'a job was taken five times and nothing was returned' where id = me;
        task := null;
    end if;
    return next;
end $$;

-- A piece of the program, of its public input, or of what a job that the worker has taken is made from.
create or replace function tranche.piece(me bigint, wanted bigint, wanted_n int) returns bytea
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.known(me);
    return (
        select p.data from tranche.pieces p join tranche.blobs b on b.id = p.blob
        where p.blob = wanted and p.n = wanted_n and exists (
            select from tranche.takes t
            join tranche.jobs j using (run, kind, level, index) join tranche.runs r on r.id = t.run
            where t.worker = me and t.run = b.run
                and (wanted in (j.task, r.program, r.public) or wanted = any (tranche.shared(j.kind, r)))
        )
    );
end $$;

-- Room for what a job that the worker has taken comes to; nothing when it is wanted no more. The codewords of a batch are
-- larger than a proof.
create or replace function tranche.room(me bigint, wanted_run bigint, proof_bytes bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    number bigint;
    most bigint;
begin
    perform tranche.known(me);
    select case r.approach when 'retire' then 1 << 29 else 1 << 26 end into most from tranche.takes t join tranche.runs r on r.id = t.run
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

-- ---------------------------------------------------------------- rights

revoke all on all functions in schema tranche from public;
grant execute on function tranche.put_batch, tranche.retract to tranche_coordinator;
grant execute on function tranche.take to tranche_worker;
