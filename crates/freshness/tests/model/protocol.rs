//! The steps that anybody can take, each as one atomic change: a script in Redis, a message delivered, a commit.

use stateright::{Model, Property};

use crate::action::{Action, Fault};
use crate::state::{Bounds, Call, EDGES, Edge, Membership, Phase, Stage, State};

#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) bounds: Bounds,
    pub(crate) fault: Option<Fault>,
}

impl Protocol {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn edge_of(&self, fetch: usize) -> usize {
        fetch % self.bounds.edges
    }

    pub(crate) fn may_answer(&self, state: &State, edge: usize) -> bool {
        self.has(Fault::IgnoreLease) || (state.edges[edge].is_granted && state.edges[edge].lease > 0)
    }

    /// What each edge would answer from memory now.
    pub(crate) fn hits(&self, state: &State) -> impl Iterator<Item = u8> {
        (0..self.bounds.edges)
            .filter(|edge| self.may_answer(state, *edge))
            .filter_map(|edge| state.edges[edge].entry)
    }

    /// A read is answered from memory in one step, so that it is enough to look at what would be answered. One that goes to
    /// the service is as new as the shared level's answer or the database when it asked them.
    fn is_never_stale(&self, state: &State) -> bool {
        !state.is_stale && self.hits(state).chain(state.redis.hit()).all(|value| value >= state.acknowledged)
    }

    fn invalidate(&self, state: &mut State, edge: usize) {
        state.edges[edge].entry = None;
        self.spoil_fetches(state, edge);
    }

    fn spoil_fetches(&self, state: &mut State, edge: usize) {
        for index in (0..self.bounds.fetches).filter(|index| self.edge_of(*index) == edge) {
            state.fetches[index].is_valid = false;
        }
    }

    /// New version, mark off, all edges told; who they are and how long others may hold leases is the answer.
    fn stamp(&self, state: &mut State, writer: usize) -> ([bool; EDGES], u8) {
        state.redis.marks[writer] = None;
        state.redis.new_version();
        state.redis.entry = None;
        let holders = state.redis.sessions.map(|membership| membership != Membership::None);
        (holders, state.redis.quarantine)
    }

    fn write(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Mark(writer) if state.writers[writer].phase == Phase::Idle => {
                let before = state.redis.version;
                let version = state.redis.new_version();
                state.redis.marks[writer] = Some((before, version));
                state.writers[writer].phase =
                    if state.writers[writer].value == 0 { Phase::Marked } else { Phase::Committed };
            }
            Action::Commit(writer) if state.writers[writer].phase == Phase::Marked => {
                state.stored += 1;
                state.writers[writer].value = state.stored;
                state.writers[writer].phase = Phase::Committed;
            }
            Action::RollBack(writer) if state.writers[writer].phase == Phase::Marked => {
                self.mishap(state)?;
                if let Some((before, version)) = state.redis.marks[writer].take()
                    && (state.redis.version == version || self.has(Fault::RestoreBlindly))
                {
                    state.redis.version = before;
                }
                state.writers[writer].phase = Phase::RolledBack;
            }
            Action::Stamp(writer) if state.writers[writer].phase == Phase::Committed => {
                state.writers[writer].phase = Phase::Stamped;
                if self.has(Fault::NoStamp) {
                    state.redis.marks[writer] = None;
                    return Some(());
                }
                let (holders, quarantine) = self.stamp(state, writer);
                state.writers[writer].silent = holders;
                state.writers[writer].wait = if self.has(Fault::NoQuarantine) { 0 } else { quarantine };
            }
            Action::Revoke(writer) if state.writers[writer].silent.contains(&true) => {
                self.revoke(state, writer);
            }
            Action::Acknowledge(writer) if state.writers[writer].phase == Phase::Stamped => {
                let done = &mut state.writers[writer];
                let is_told = !done.silent.contains(&true) && done.wait == 0;
                (is_told || self.has(Fault::NoAckWait)).then_some(())?;
                done.phase = Phase::Acknowledged;
                done.silent = Default::default();
                done.wait = 0;
                state.acknowledged = state.acknowledged.max(done.value);
            }
            Action::Die(writer)
                if matches!(
                    state.writers[writer].phase,
                    Phase::Marked | Phase::Committed | Phase::Stamped
                ) =>
            {
                self.mishap(state)?;
                let dead = &mut state.writers[writer];
                dead.phase = Phase::Dead;
                dead.silent = Default::default();
                dead.wait = 0;
            }
            Action::Replay(writer)
                if state.writers[writer].phase == Phase::Dead && state.writers[writer].value > 0 =>
            {
                let writer = &mut state.writers[writer];
                writer.phase = Phase::Idle;
                if self.has(Fault::BareReplay) {
                    writer.phase = Phase::Acknowledged;
                    state.acknowledged = state.acknowledged.max(writer.value);
                }
            }
            Action::Sweep(writer) if state.redis.marks[writer].is_some() => {
                if state.writers[writer].phase != Phase::Dead {
                    self.mishap(state)?;
                }
                self.stamp(state, writer);
            }
            _ => return None,
        }
        Some(())
    }

    fn mishap(&self, state: &mut State) -> Option<()> {
        state.mishaps += 1;
        (state.mishaps <= self.bounds.mishaps).then_some(())
    }

    /// Of a session that is not known it is a whole lease.
    fn revoke(&self, state: &mut State, writer: usize) {
        for edge in 0..self.bounds.edges {
            if !std::mem::take(&mut state.writers[writer].silent[edge]) {
                continue;
            }
            let left = match state.redis.sessions[edge] {
                Membership::Lease(left) | Membership::Revoked(left) => left,
                Membership::None => self.bounds.lease,
            };
            state.writers[writer].wait = state.writers[writer].wait.max(left);
            state.redis.sessions[edge] =
                if self.has(Fault::ForgetRevoked) { Membership::None } else { Membership::Revoked(left) };
        }
    }

    fn hold(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Deliver { writer, edge, is_heard } if state.writers[writer].silent[edge] => {
                state.writers[writer].silent[edge] = !is_heard;
                if self.has(Fault::AckBeforeApply) {
                    state.edges[edge].owes = true;
                } else {
                    self.invalidate(state, edge);
                }
            }
            Action::ApplyLate(edge) if state.edges[edge].owes => {
                state.edges[edge].owes = false;
                self.invalidate(state, edge);
            }
            Action::Join(edge) if !state.edges[edge].has_session => {
                state.edges[edge].has_session = true;
                state.edges[edge].call = Some(Call { is_join: true, age: 0, answer: None });
            }
            Action::Renew(edge) if state.edges[edge].is_granted && state.edges[edge].call.is_none() => {
                state.edges[edge].call = Some(Call { is_join: false, age: 0, answer: None });
            }
            Action::Execute(edge) => self.execute(state, edge)?,
            Action::Conclude(edge) => self.conclude(state, edge)?,
            Action::GiveUp(edge) if state.edges[edge].has_session => self.give_up(state, edge),
            _ => return None,
        }
        Some(())
    }

    fn execute(&self, state: &mut State, edge: usize) -> Option<()> {
        let call = state.edges[edge].call.as_mut().filter(|call| call.answer.is_none())?;
        let is_member = matches!(state.redis.sessions[edge], Membership::Lease(_));
        let is_granted = call.is_join || is_member || self.has(Fault::RenewUnknown);
        call.answer = Some(is_granted);
        if is_granted {
            state.redis.sessions[edge] = Membership::Lease(self.bounds.lease);
        }
        Some(())
    }

    fn conclude(&self, state: &mut State, edge: usize) -> Option<()> {
        let call = state.edges[edge].call.take_if(|call| call.answer.is_some())?;
        if call.answer == Some(false) {
            self.give_up(state, edge);
            return Some(());
        }
        let left =
            if self.has(Fault::LeaseFromAnswer) { self.bounds.lease } else { self.bounds.lease - call.age };
        if call.is_join {
            state.edges[edge].is_granted = true;
            if !self.has(Fault::NoFloor) {
                self.invalidate(state, edge);
            }
        }
        state.edges[edge].lease = state.edges[edge].lease.max(left);
        Some(())
    }

    /// From here on the session is nobody's: it answers nothing, so writers need not wait for it. They may, in the world; here
    /// they do not, which leaves them more ways to go wrong.
    fn give_up(&self, state: &mut State, edge: usize) {
        let entry = state.edges[edge].entry;
        state.edges[edge] = Edge { entry, ..Edge::default() };
        state.redis.sessions[edge] = Membership::None;
        for writer in &mut state.writers {
            writer.silent[edge] = false;
        }
        self.spoil_fetches(state, edge);
    }

    fn read(&self, state: &mut State, action: Action) -> Option<()> {
        match action {
            Action::Fetch(index) if state.fetches[index].stage == Stage::Idle => {
                let is_valid = self.may_answer(state, self.edge_of(index));
                let fetch = &mut state.fetches[index];
                (fetch.stage, fetch.is_valid) = (Stage::Sent, is_valid);
            }
            Action::Wait(index) if state.fetches[index].stage != Stage::Idle => {
                let may = self.may_answer(state, self.edge_of(index));
                (may && state.fetches[index].waiter.is_none()).then_some(())?;
                state.fetches[index].waiter = Some(state.acknowledged);
            }
            Action::ReadShared(index) if state.fetches[index].stage == Stage::Sent => {
                let (hit, stamp) =
                    (state.redis.hit(), (!state.redis.is_marked()).then_some(state.redis.version));
                let fetch = &mut state.fetches[index];
                fetch.stamp = stamp;
                fetch.stage = if hit.is_some() { Stage::Answered } else { Stage::Missed };
                fetch.value = hit.unwrap_or_default();
                if hit.is_some() {
                    fetch.stamp = None;
                }
            }
            Action::Bypass(index) if state.fetches[index].stage == Stage::Sent => {
                state.fetches[index].stage = Stage::Missed;
            }
            Action::Load(index) if state.fetches[index].stage == Stage::Missed => {
                state.fetches[index].value = state.stored;
                state.fetches[index].stage = Stage::Loaded;
            }
            Action::Fill(index) if state.fetches[index].stage == Stage::Loaded => {
                let fetch = &mut state.fetches[index];
                fetch.stage = Stage::Answered;
                let is_unchanged =
                    fetch.stamp.take() == Some(state.redis.version) && !state.redis.is_marked();
                if is_unchanged || self.has(Fault::UnversionedFill) {
                    state.redis.entry = Some((state.redis.version, fetch.value));
                }
            }
            Action::Arrive(index) if state.fetches[index].stage == Stage::Answered => {
                self.arrive(state, index);
            }
            _ => return None,
        }
        Some(())
    }

    fn arrive(&self, state: &mut State, index: usize) {
        let fetch = std::mem::take(&mut state.fetches[index]);
        let edge = &mut state.edges[self.edge_of(index)];
        let is_current = fetch.is_valid && edge.is_granted;
        if is_current || self.has(Fault::StoreLate) || self.has(Fault::IgnoreLease) {
            edge.entry = Some(fetch.value);
        }
        let is_shared = is_current || self.has(Fault::ShareBlindly);
        state.is_stale |= is_shared && fetch.waiter.is_some_and(|acknowledged| fetch.value < acknowledged);
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::first()]
    }

    fn actions(&self, _: &State, actions: &mut Vec<Action>) {
        actions.extend([Action::Tick, Action::RedisRestarts]);
        for writer in 0..self.bounds.writers {
            actions.extend(
                [Action::Mark, Action::Commit, Action::RollBack, Action::Stamp].map(|act| act(writer)),
            );
            actions.extend([Action::Revoke, Action::Acknowledge].map(|act| act(writer)));
            actions.extend([Action::Die, Action::Replay, Action::Sweep].map(|act| act(writer)));
            for edge in 0..self.bounds.edges {
                actions.extend([true, false].map(|is_heard| Action::Deliver { writer, edge, is_heard }));
            }
        }
        for edge in 0..self.bounds.edges.min(EDGES) {
            actions.extend([Action::Join, Action::Renew, Action::Execute].map(|act| act(edge)));
            actions.extend([Action::Conclude, Action::ApplyLate, Action::GiveUp].map(|act| act(edge)));
        }
        for fetch in 0..self.bounds.fetches {
            actions.extend([Action::Fetch, Action::Wait, Action::ReadShared].map(|act| act(fetch)));
            actions
                .extend([Action::Bypass, Action::Load, Action::Fill, Action::Arrive].map(|act| act(fetch)));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Tick => state.tick(self.bounds.lease).then_some(())?,
            Action::RedisRestarts => {
                (state.restarts < self.bounds.restarts).then_some(())?;
                state.restarts += 1;
                state.redis.new_version();
                (state.redis.entry, state.redis.marks) = Default::default();
                state.redis.sessions = Default::default();
                state.redis.quarantine = self.bounds.lease;
            }
            _ => self
                .write(&mut state, action)
                .or_else(|| self.hold(&mut state, action))
                .or_else(|| self.read(&mut state, action))?,
        }
        if self.fault.is_none() {
            state.forget();
        }
        state.sort(&self.bounds);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("never stale", |model: &Self, state: &State| model.is_never_stale(state)),
            Property::sometimes("an edge answers with what was written", |model: &Self, state: &State| {
                state.acknowledged > 0 && model.hits(state).any(|value| value == state.stored)
            }),
            Property::sometimes("the shared level answers with what was written", |_, state: &State| {
                state.acknowledged > 0 && state.redis.hit() == Some(state.stored)
            }),
            Property::sometimes("a write is acknowledged under a lease", |model: &Self, state: &State| {
                state.acknowledged == 1 && model.may_answer(state, 0)
            }),
        ]
    }
}
