//! Messages that wait for receivers, and receivers that wait for messages.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use crate::ast::{Arrow, Bind, From, Shared};
use crate::matching::{Work, match_all};
use crate::scope::Scope;
use crate::value::Value;

/// A message on a channel.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) values: Vec<Value>,
    pub(crate) persistent: bool,
}

/// A `for` that waits.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) binds: Arc<Vec<Bind>>,
    /// The channel of each bind.
    pub(crate) channels: Vec<Value>,
    pub(crate) arrow: Arrow,
    pub(crate) body: Shared,
    pub(crate) scope: Scope,
}

/// A receiver whose messages are there.
#[derive(Debug)]
pub(crate) struct Met {
    pub(crate) body: Shared,
    pub(crate) scope: Scope,
    /// Names to be told that their messages were received.
    pub(crate) acknowledged: Vec<Value>,
}

#[derive(Default, Debug)]
pub(crate) struct TupleSpace {
    messages: BTreeMap<Value, VecDeque<Message>>,
    receivers: HashMap<u64, Receiver>,
    /// The receivers on a channel, in the order in which they came.
    listening: BTreeMap<Value, Vec<u64>>,
    next: u64,
}

impl TupleSpace {
    pub(crate) fn send(&mut self, channel: Value, message: Message) {
        self.messages.entry(channel).or_default().push_back(message);
    }

    pub(crate) fn listen(&mut self, receiver: Receiver) {
        let id = self.next;
        self.next += 1;
        let mut channels = receiver.channels.clone();
        channels.sort();
        channels.dedup();
        for channel in channels {
            self.listening.entry(channel).or_default().push(id);
        }
        self.receivers.insert(id, receiver);
    }

    /// Messages and receivers that wait.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        (self.messages.values().map(VecDeque::len).sum(), self.receivers.len())
    }

    /// Finds a receiver on this channel that has all its messages, and takes them.
    pub(crate) fn meet(&mut self, channel: &Value, work: &mut Work) -> Option<Met> {
        let ids = self.listening.get(channel)?;
        let (id, chosen, scope) = ids.iter().find_map(|id| {
            let receiver = self.receivers.get(id)?;
            let mut chosen = Vec::new();
            let scope = self.choose(receiver, receiver.scope.clone(), &mut chosen, work)?;
            Some((*id, chosen, scope))
        })?;
        let receiver = &self.receivers[&id];
        let (body, arrow, channels) = (Arc::clone(&receiver.body), receiver.arrow, receiver.channels.clone());
        let mut acknowledged = Vec::new();
        for ((bind, channel), at) in receiver.binds.iter().zip(&channels).zip(&chosen) {
            if let From::Acknowledged = bind.from {
                acknowledged.extend(self.messages[channel][*at].values.first().cloned());
            }
        }
        if arrow != Arrow::Peek {
            self.take(&channels, &chosen);
        }
        if arrow != Arrow::Repeated {
            self.forget(id, &channels);
        }
        Some(Met { body, scope, acknowledged })
    }

    /// Chooses a message for each bind, the oldest that fit; the first binds have the first choice.
    fn choose(
        &self,
        receiver: &Receiver,
        scope: Scope,
        chosen: &mut Vec<usize>,
        work: &mut Work,
    ) -> Option<Scope> {
        let at = chosen.len();
        let Some(bind) = receiver.binds.get(at) else { return Some(scope) };
        let channel = &receiver.channels[at];
        for (i, message) in self.messages.get(channel)?.iter().enumerate() {
            work.count(1)?;
            let is_taken = |(taken, of): (&usize, &Value)| *taken == i && of == channel;
            if !message.persistent && chosen.iter().zip(&receiver.channels).any(is_taken) {
                continue;
            }
            let values = match bind.from {
                From::Acknowledged => match message.values.split_first() {
                    Some((_, values)) => values,
                    None => continue,
                },
                From::Channel | From::Answer(_) => &message.values[..],
            };
            let Some(bound) = match_all(&bind.patterns, bind.rest.as_ref(), values, &scope, work) else {
                continue;
            };
            chosen.push(i);
            if let Some(scope) = self.choose(receiver, bound, chosen, work) {
                return Some(scope);
            }
            chosen.pop();
        }
        None
    }

    fn take(&mut self, channels: &[Value], chosen: &[usize]) {
        let mut taken: Vec<(&Value, usize)> = channels.iter().zip(chosen.iter().copied()).collect();
        // From behind, so that places stay what they are.
        taken.sort_by_key(|(_, at)| std::cmp::Reverse(*at));
        for (channel, at) in taken {
            let Some(queue) = self.messages.get_mut(channel) else { continue };
            if !queue[at].persistent {
                queue.remove(at);
            }
            if queue.is_empty() {
                self.messages.remove(channel);
            }
        }
    }

    fn forget(&mut self, id: u64, channels: &[Value]) {
        self.receivers.remove(&id);
        for channel in channels {
            if let Some(ids) = self.listening.get_mut(channel) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.listening.remove(channel);
                }
            }
        }
    }
}
