// A tiny SMTP server on a socket: enough of RFC 5321 to take mail, refuse recipients, and misbehave on purpose.
import { createServer, type Socket } from 'node:net';

export interface SmtpDouble {
  readonly url: string;
  /** Mails taken: recipient and raw content. */
  readonly mails: { readonly to: string; readonly content: string }[];
  /** The reply to RCPT TO, by recipient; 250 where nothing is set. */
  readonly replies: Map<string, string>;
  /** Takes the next mail and hangs up instead of confirming it. */
  dropNextConfirmation: boolean;
  /** Greets with this instead of 220. */
  greeting: string;
  /** Connections accepted so far. */
  connections: number;
  /** Closes every open connection. */
  hangUp(): void;
  stop(): Promise<void>;
}

export async function startSmtpDouble(): Promise<SmtpDouble> {
  const sockets = new Set<Socket>();
  const double = {
    url: '',
    mails: [] as { to: string; content: string }[],
    replies: new Map<string, string>(),
    dropNextConfirmation: false,
    greeting: '220 double ESMTP',
    connections: 0,
    hangUp: () => {
      for (const socket of sockets) socket.destroy();
    },
    stop: () =>
      new Promise<void>((resolve) => {
        double.hangUp();
        server.close(() => resolve());
      }),
  };
  const server = createServer((socket) => {
    double.connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    converse(socket, double);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  double.url = `smtp://127.0.0.1:${(server.address() as { port: number }).port}`;
  return double;
}

function converse(socket: Socket, double: SmtpDouble): void {
  let buffer = '';
  let to = '';
  let inData = false;
  const say = (line: string) => socket.write(`${line}\r\n`);
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'RCPT') {
      to = /<(.*)>/.exec(line)?.[1] ?? '';
      return say(double.replies.get(to) ?? '250 ok');
    }
    if (verb === 'DATA') {
      inData = true;
      return say('354 go on');
    }
    if (verb === 'QUIT') return socket.end('221 bye\r\n');
    return say('250 ok');
  };
  const takeMail = (content: string) => {
    inData = false;
    double.mails.push({ to, content });
    if (!double.dropNextConfirmation) return say('250 taken');
    double.dropNextConfirmation = false;
    return socket.destroy();
  };
  say(double.greeting);
  socket.on('data', (chunk) => {
    buffer += chunk.toString();
    for (;;) {
      const end = buffer.indexOf(inData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const part = buffer.slice(0, end);
      buffer = buffer.slice(end + (inData ? 5 : 2));
      if (inData) takeMail(part);
      else command(part);
    }
  });
}
