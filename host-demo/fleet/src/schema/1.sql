-- The fleet's state, version 1. All of it is here: whoever coordinates a run may be replaced at any time.

create schema tranche;

create table tranche.meta (version int not null);
insert into tranche.meta values (1);

create table tranche.runs (
    id bigint generated always as identity primary key,
    name text not null,
    state text not null default 'open' check (state in ('open', 'done', 'fetched', 'failed', 'cancelled')),
    error text,
    -- The header of the bundle: settings and the program's digest.
    header bytea not null,
    arity int not null,
    exit_code bigint not null,
    cycles bigint not null,
    instructions bigint not null,
    memory bigint not null,
    -- Known once all are planned.
    epochs int,
    planned_cycles bigint not null default 0,
    -- log2 of the bytes that a worker needs for an epoch.
    class int not null,
    program bigint,
    input bigint,
    output bigint,
    created timestamptz not null default now(),
    finished timestamptz,
    expires timestamptz not null
);

-- Large bytes, in pieces.
create table tranche.blobs (
    id bigint generated always as identity primary key,
    run bigint not null references tranche.runs on delete cascade,
    bytes bigint not null
);
create index on tranche.blobs (run);
create table tranche.pieces (
    blob bigint not null references tranche.blobs on delete cascade,
    n int not null,
    data bytea not null,
    primary key (blob, n)
);
-- Proofs are as good as random: nothing is gained by compressing them.
alter table tranche.pieces alter column data set storage external;

create table tranche.workers (
    id bigint generated always as identity primary key,
    login name not null default session_user,
    name text not null,
    threads int not null,
    memory bigint,
    started timestamptz not null default now(),
    seen timestamptz not null default now(),
    -- Why nothing more is taken from it.
    refused text,
    accepted int not null default 0,
    repeated int not null default 0,
    proving_seconds float8 not null default 0,
    job_seconds float8 not null default 0
);

create table tranche.jobs (
    run bigint not null references tranche.runs on delete cascade,
    kind text not null check (kind in ('epoch', 'merge')),
    level int not null,
    index int not null,
    state text not null default 'waiting' check (state in ('waiting', 'ready', 'accepted')),
    -- Kind of its frame, and what stands there before the proof.
    frame smallint not null,
    fixed bytea not null,
    children int not null,
    task bigint references tranche.blobs,
    proof bigint references tranche.blobs,
    worker bigint references tranche.workers,
    accepted timestamptz,
    primary key (run, kind, level, index)
);
create index on tranche.jobs (run, state);

-- Who was given which job, and how often.
create table tranche.takes (
    run bigint not null,
    kind text not null,
    level int not null,
    index int not null,
    worker bigint not null references tranche.workers,
    times int not null default 1,
    offered boolean not null default false,
    primary key (run, kind, level, index, worker),
    foreign key (run, kind, level, index) references tranche.jobs on delete cascade
);

-- Proofs that nobody has looked at yet.
create table tranche.offers (
    id bigint generated always as identity primary key,
    run bigint not null,
    kind text not null,
    level int not null,
    index int not null,
    worker bigint not null references tranche.workers,
    proof bigint not null references tranche.blobs,
    proving_seconds float8 not null,
    job_seconds float8 not null,
    foreign key (run, kind, level, index) references tranche.jobs on delete cascade
);
create index on tranche.offers (run, id);

-- The queue's name of a job.
create function tranche.key(run bigint, kind text, level int, index int) returns text language sql immutable as
$$ select format('%s/%s/%s/%s', run, kind, level, index) $$;

-- ---------------------------------------------------------------- for coordinators

-- Puts a job into the queue, in place of one of its name. Merges go first: they are what others wait for.
create function tranche.enqueue(run bigint, kind text, level int, index int) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    class int;
begin
    select r.class into class from tranche.runs r where r.id = enqueue.run;
    perform graphile_worker.add_job(
        'tranche_prove',
        json_build_object('run', run, 'kind', kind, 'level', level, 'index', index),
        job_key := tranche.key(run, kind, level, index),
        max_attempts := 10,
        priority := -level,
        flags := array['bytes_2^' || class]
    );
end $$;

-- Makes a job ready once the proofs before it are all accepted.
create function tranche.promote(run bigint, kind text, level int, index int) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update tranche.jobs j set state = 'ready'
    from tranche.runs r
    where j.run = promote.run and j.kind = promote.kind and j.level = promote.level and j.index = promote.index
        and j.state = 'waiting' and r.id = j.run and r.state = 'open'
        and j.children = (
            select count(*) from tranche.jobs c
            where c.run = j.run and c.level = j.level - 1 and c.index / r.arity = j.index and c.state = 'accepted'
        );
    if found then
        perform tranche.enqueue(run, kind, level, index);
    end if;
end $$;

-- Takes an offer that was verified, and makes the merge ready that has waited for it.
create function tranche.accept(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    old_task bigint;
    arity int;
begin
    delete from tranche.offers where id = offer returning * into o;
    select j.task, r.arity into old_task, arity
    from tranche.jobs j join tranche.runs r on r.id = j.run
    where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index);
    update tranche.jobs j
    set state = 'accepted', proof = o.proof, worker = o.worker, accepted = now(), task = null
    where (j.run, j.kind, j.level, j.index) = (o.run, o.kind, o.level, o.index);
    delete from tranche.blobs where id = old_task;
    update tranche.workers
    set accepted = accepted + 1, proving_seconds = proving_seconds + o.proving_seconds,
        job_seconds = job_seconds + o.job_seconds
    where id = o.worker;
    perform tranche.promote(o.run, 'merge', o.level + 1, o.index / arity);
end $$;

-- Drops an offer of a job that has an equal proof.
create function tranche.repeat(offer bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
begin
    delete from tranche.offers where id = offer returning * into o;
    delete from tranche.blobs where id = o.proof;
    update tranche.workers set repeated = repeated + 1 where id = o.worker;
end $$;

-- Drops an offer and marks its worker: what it has offered elsewhere, and what it holds, is done again by others.
create function tranche.refuse(offer bigint, reason text) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    o tranche.offers;
    other tranche.offers;
begin
    select * into o from tranche.offers where id = offer;
    update tranche.workers set refused = coalesce(refused, reason) where id = o.worker;
    for other in delete from tranche.offers where worker = o.worker returning * loop
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

-- Puts back into the queue what is ready, was not offered, and is not there: a worker may have taken it and returned
-- nothing. Returns why a job of the run was given up.
create function tranche.reconcile(wanted bigint) returns text
language plpgsql security definer set search_path = pg_catalog as $$
declare
    j record;
    reason text;
begin
    for j in
        select job.* from tranche.jobs job join tranche.runs r on r.id = job.run
        where job.run = wanted and r.state = 'open' and job.state = 'ready'
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
    select format('job %s failed %s times: %s', q.key, q.attempts, q.last_error) into reason
    from tranche.jobs job
    join graphile_worker._private_jobs q on q.key = tranche.key(job.run, job.kind, job.level, job.index)
    where job.run = wanted and job.state = 'ready' and q.attempts >= q.max_attempts and q.locked_at is null
    limit 1;
    return reason;
end $$;

-- Ends a run, and takes from the queue what is left of it.
create function tranche.close(wanted bigint, becomes text, why text) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
declare
    closed boolean;
begin
    update tranche.runs set state = becomes, error = why, finished = now() where id = wanted and state = 'open';
    closed := found;
    if closed then
        delete from graphile_worker._private_jobs q using tranche.jobs j
        where j.run = wanted and q.key = tranche.key(j.run, j.kind, j.level, j.index) and q.locked_at is null;
        delete from tranche.offers where run = wanted;
    end if;
    return closed;
end $$;

-- Removes the bytes of a run that is closed; that it was stays known.
create function tranche.forget(wanted bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    update tranche.runs set program = null, input = null, output = null where id = wanted and state <> 'open';
    if found then
        delete from tranche.jobs where run = wanted;
        delete from tranche.blobs where run = wanted;
    end if;
end $$;

-- Removes what has expired, and workers that were not seen for a day. Returns the runs removed.
create function tranche.sweep() returns bigint
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
    return swept;
end $$;

-- ---------------------------------------------------------------- for workers

-- Refuses whoever is not, or no longer, the worker that it says.
create function tranche.known(worker bigint) returns void
language plpgsql security definer set search_path = pg_catalog as $$
declare
    why text;
begin
    update tranche.workers set seen = now() where id = worker and login = session_user returning coalesce(refused, '')
    into why;
    if why is null then
        raise exception 'no such worker' using errcode = 'TF001';
    elsif why <> '' then
        raise exception 'refused: %', why using errcode = 'TF002';
    end if;
end $$;

create function tranche.register(worker_name text, worker_threads int, worker_memory bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    why text;
    number bigint;
begin
    select refused into why from tranche.workers
    where login = session_user and name = worker_name and refused is not null limit 1;
    if why is not null then
        raise exception 'refused: %', why using errcode = 'TF002';
    end if;
    insert into tranche.workers (login, name, threads, memory)
    values (session_user, worker_name, worker_threads, worker_memory) returning id into number;
    return number;
end $$;

-- What a job is proved from: nothing when it is wanted no more.
create function tranche.take(me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int)
returns table (header bytea, program bigint, task bigint)
language plpgsql security definer set search_path = pg_catalog as $$
declare
    given int;
begin
    perform tranche.known(me);
    select r.header, r.program, j.task into header, program, task
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

-- A piece of the program or the task of a job that the worker has taken.
create function tranche.piece(me bigint, wanted bigint, wanted_n int) returns bytea
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.known(me);
    return (
        select p.data from tranche.pieces p join tranche.blobs b on b.id = p.blob
        where p.blob = wanted and p.n = wanted_n and exists (
            select from tranche.takes t
            join tranche.jobs j using (run, kind, level, index) join tranche.runs r on r.id = t.run
            where t.worker = me and t.run = b.run and wanted in (j.task, r.program)
        )
    );
end $$;

-- Room for a proof of a job that the worker has taken; nothing when it is wanted no more.
create function tranche.room(me bigint, wanted_run bigint, proof_bytes bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
    number bigint;
begin
    perform tranche.known(me);
    if proof_bytes > 1 << 26 then
        raise exception 'a proof of % bytes', proof_bytes using errcode = 'TF003';
    end if;
    perform from tranche.takes t join tranche.runs r on r.id = t.run
    where t.worker = me and t.run = wanted_run and r.state = 'open' limit 1;
    if not found then
        return null;
    end if;
    insert into tranche.blobs (run, bytes) values (wanted_run, proof_bytes) returning id into number;
    return number;
end $$;

-- Writes a piece of a blob that the same transaction has made room for.
create function tranche.fill(me bigint, wanted bigint, wanted_n int, bytes bytea) returns void
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform from tranche.blobs b where b.id = wanted and b.xmin::text = (txid_current() % (2 ^ 32)::bigint)::text;
    if not found or length(bytes) > 1 << 20 then
        raise exception 'a piece of no proof' using errcode = 'TF003';
    end if;
    insert into tranche.pieces (blob, n, data) values (wanted, wanted_n, bytes);
end $$;

-- Offers the proof of a job. False when it is wanted no more.
create function tranche.offer(
    me bigint, wanted_run bigint, wanted_kind text, wanted_level int, wanted_index int, blob bigint,
    proving float8, whole float8
) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
begin
    perform tranche.known(me);
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
grant usage on schema tranche to tranche_coordinator, tranche_worker;
grant select on tranche.meta to tranche_coordinator, tranche_worker;
grant select on all tables in schema tranche to tranche_coordinator;
grant insert, update on tranche.runs, tranche.blobs, tranche.pieces, tranche.jobs to tranche_coordinator;
grant execute on function
    tranche.enqueue, tranche.promote, tranche.accept, tranche.repeat, tranche.refuse, tranche.reconcile, tranche.close,
    tranche.forget, tranche.sweep
    to tranche_coordinator;
grant execute on function
    tranche.register, tranche.known, tranche.take, tranche.piece, tranche.room, tranche.fill, tranche.offer
    to tranche_worker;

-- Workers serve the queue: they lock its jobs, and release those of dead workers.
grant usage on schema graphile_worker to tranche_worker;
grant select, insert, update, delete on all tables in schema graphile_worker to tranche_worker;
grant usage on all sequences in schema graphile_worker to tranche_worker;
do $$
declare
    t text;
begin
    for t in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'graphile_worker' and c.relkind = 'r' and c.relrowsecurity
    loop
        execute format(
            'create policy tranche_worker on graphile_worker.%I to tranche_worker using (true) with check (true)', t
        );
    end loop;
end $$;
