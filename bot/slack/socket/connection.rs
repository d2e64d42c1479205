//! One socket: reads frames, lets each envelope run on its own, writes the acks, and notices when it has died.

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::SocketSettings;
use super::frame::{self, Frame};
use super::health::{Counted, SocketHealth};
use crate::slack::edge::Edge;

/// Largest message read from a socket; Slack's views end at 250 kB, and a message with its blocks is of that order.
const MESSAGE_MAX: usize = 4 * 1024 * 1024;

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a connection tells the loop that keeps its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Slack greeted us.
    Up,
    /// Slack will end this one: open another first.
    Replace,
    /// Socket Mode was switched off for the app.
    LinkDisabled,
    /// It is gone; why, in our words.
    Ended(&'static str),
}

/// Connects. The address holds a ticket that lets anyone be us: it is in no log line and no error.
pub(super) async fn open(address: &SecretString, settings: &SocketSettings) -> Result<Stream, &'static str> {
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_MAX)).max_frame_size(Some(MESSAGE_MAX));
    let connecting = tokio_tungstenite::connect_async_with_config(address.expose_secret(), Some(config), true);
    match tokio::time::timeout(settings.connect_limit, connecting).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(kind_of(&error)),
        Err(_) => Err("no connection in time"),
    }
}

/// Their errors can quote the address, so only their kind is kept.
fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "closed",
        Error::Io(_) => "the network failed",
        Error::Tls(_) => "no trusted TLS",
        Error::Http(_) | Error::HttpFormat(_) => "refused by the server",
        Error::Capacity(_) => "a message too large",
        Error::Url(_) => "not an address",
        _ => "broke the protocol",
    }
}

/// One open socket at work.
pub(super) struct Connection {
    pub(super) edge: Edge,
    pub(super) settings: SocketSettings,
    pub(super) health: watch::Sender<SocketHealth>,
    /// To the loop that keeps this place.
    pub(super) signs: mpsc::UnboundedSender<Sign>,
    /// Another socket has taken over: finish and close.
    pub(super) retire: CancellationToken,
    /// The whole process stops: finish and close, quickly.
    pub(super) stop: CancellationToken,
}

/// What changes while a socket lives.
struct Life {
    sink: SplitSink<Stream, Message>,
    /// Envelopes handed off and not yet acknowledged.
    in_flight: usize,
    heard: Instant,
    /// The last envelope or greeting; pongs do not count.
    spoken: Instant,
    counted: Option<Counted>,
    is_up: bool,
    is_replaced: bool,
    is_stopping: bool,
    leaving: Option<Leaving>,
    /// Whose socket this is, as Slack said in its greeting.
    app_id: Option<String>,
}

#[derive(Clone, Copy)]
struct Leaving {
    latest: Instant,
    /// How long nothing must have come before we believe that nothing more will.
    quiet: Duration,
}

impl Connection {
    /// Serves until the socket is gone or told to leave; every handed-off envelope is acknowledged first, if it can be.
    pub(super) async fn serve(self, stream: Stream) {
        let (sink, frames) = stream.split();
        let now = Instant::now();
        let mut life = Life {
            sink,
            in_flight: 0,
            heard: now,
            spoken: now,
            counted: None,
            is_up: false,
            is_replaced: false,
            is_stopping: false,
            leaving: None,
            app_id: None,
        };
        let why = self.live(&mut life, frames).await;
        drop(life.counted.take());
        if life.in_flight > 0 {
            tracing::warn!(acks = life.in_flight, why, "socket ended before these acks; slack may show an error");
        }
        let goodbye = async { life.sink.send(Message::Close(None)).await };
        drop(tokio::time::timeout(self.settings.close_limit, goodbye).await);
        // Nobody listens any more when the process stops.
        drop(self.signs.send(Sign::Ended(why)));
    }

    async fn live(&self, life: &mut Life, mut frames: SplitStream<Stream>) -> &'static str {
        let (acks, mut done) = mpsc::unbounded_channel::<Option<String>>();
        let mut beat = tokio::time::interval(self.settings.ping_every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        let greeting_until = life.heard + self.settings.hello_limit;
        loop {
            if life.may_leave() {
                return "closed by us";
            }
            let written = tokio::select! {
                frame = frames.next() => match frame {
                    Some(Ok(message)) => self.heard(life, message, &acks),
                    Some(Err(error)) => Err(kind_of(&error)),
                    None => Err("closed"),
                },
                Some(ack) = done.recv() => {
                    life.in_flight = life.in_flight.saturating_sub(1);
                    match ack {
                        Some(ack) => self.write(life, Message::text(ack)).await,
                        None => Ok(()),
                    }
                }
                _ = beat.tick() => self.beat(life).await,
                () = self.retire.cancelled(), if life.leaving.is_none() => {
                    life.leave(self.settings.drain_limit, self.settings.drain_quiet);
                    Ok(())
                }
                () = self.stop.cancelled(), if !life.is_stopping => {
                    life.is_stopping = true;
                    life.leave(self.settings.stop_limit, Duration::ZERO);
                    Ok(())
                }
                () = tokio::time::sleep_until(life.leave_at()), if life.leaving.is_some() => Ok(()),
                () = tokio::time::sleep_until(greeting_until), if !life.is_up => {
                    tracing::warn!("slack did not greet us on a new socket; using it all the same");
                    self.up(life);
                    Ok(())
                }
            };
            if let Err(why) = written {
                return why;
            }
        }
    }

    fn heard(
        &self,
        life: &mut Life,
        message: Message,
        acks: &mpsc::UnboundedSender<Option<String>>,
    ) -> Result<(), &'static str> {
        life.heard = Instant::now();
        self.health.send_modify(|health| health.last_frame = Some(life.heard));
        let text = match &message {
            Message::Text(text) => text.as_str(),
            Message::Close(_) => return Err("closed by slack"),
            // Pings are answered by the library, with the next thing it does.
            _ => return Ok(()),
        };
        life.spoken = life.heard;
        match Frame::read(text) {
            Frame::Hello { connections, lifetime_seconds, app_id } => {
                tracing::info!(connections, lifetime_seconds, "socket is up");
                life.app_id = app_id;
                self.up(life);
            }
            Frame::Disconnect { reason } => self.replaced(life, &reason),
            Frame::Envelope { envelope_id, takes_payload, delivery } => {
                self.up(life);
                if self.edge.is_for_another_app(&delivery, life.app_id.as_deref()) {
                    return Ok(());
                }
                life.in_flight += 1;
                let (edge, acks) = (self.edge.clone(), acks.clone());
                tokio::spawn(async move {
                    let answer = edge.deliver(*delivery, takes_payload).await;
                    // The socket may be gone by now; Slack then shows an error, or sends it again.
                    drop(acks.send(frame::ack(&envelope_id, &answer, takes_payload)));
                });
            }
            Frame::Other { kind } => self.edge.note_unknown(&kind),
        }
        Ok(())
    }

    fn up(&self, life: &mut Life) {
        if !life.is_up {
            life.is_up = true;
            life.counted = Some(Counted::new(self.health.clone()));
            drop(self.signs.send(Sign::Up));
        }
    }

    fn replaced(&self, life: &mut Life, reason: &str) {
        if life.is_replaced {
            return;
        }
        life.is_replaced = true;
        if reason == "link_disabled" {
            let advice = "switch Socket Mode on in the app's settings, or set slack.mode: http";
            tracing::error!(advice, "socket mode is switched off for this app: nothing from slack reaches us");
            self.health.send_modify(|health| health.trouble = Some(format!("link_disabled: {advice}")));
            drop(self.signs.send(Sign::LinkDisabled));
        } else {
            tracing::info!(%reason, "slack renews a socket");
            drop(self.signs.send(Sign::Replace));
        }
    }

    async fn beat(&self, life: &mut Life) -> Result<(), &'static str> {
        if life.heard.elapsed() >= self.settings.silent_after {
            return Err("silent for too long");
        }
        self.write(life, Message::Ping(Default::default())).await
    }

    async fn write(&self, life: &mut Life, message: Message) -> Result<(), &'static str> {
        match tokio::time::timeout(self.settings.write_limit, life.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(kind_of(&error)),
            Err(_) => Err("does not take what we write"),
        }
    }
}

impl Life {
    fn leave(&mut self, within: Duration, quiet: Duration) {
        drop(self.counted.take());
        self.leaving = Some(Leaving { latest: Instant::now() + within, quiet });
    }

    fn leave_at(&self) -> Instant {
        let Some(leaving) = self.leaving else { return self.heard };
        let quiet_at = self.spoken + leaving.quiet;
        // With work in hand only the limit counts; otherwise whichever comes first.
        if self.in_flight > 0 { leaving.latest } else { quiet_at.min(leaving.latest) }
    }

    fn may_leave(&self) -> bool {
        self.leaving.is_some() && Instant::now() >= self.leave_at()
    }
}
