// The other end of a conversation, by js-libp2p's Noise. tests/system/live/test_libp2p.py runs it:
//
//   node peer.mjs '{"role": "client" or "server", "port": 7591, "prologue": "hex", "plytalk": false, "forge": false}'
//
// With "plytalk" it exchanges preambles first, leaves out libp2p's extensions and adds the expiry; with "forge" another key signs.
// Standard output and input are JSON, an object a line: {"event": "record", "data": "hex"}, {"send": "hex"}, {"end": true}.

import net from 'node:net'
import { createInterface } from 'node:readline'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AbstractMessageStream, lpStream } from '@libp2p/utils'
import {
  performHandshakeInitiator,
  performHandshakeResponder
} from './node_modules/@chainsafe/libp2p-noise/dist/src/performHandshake.js'
import { NoiseHandshakePayload } from './node_modules/@chainsafe/libp2p-noise/dist/src/proto/payload.js'

Promise.withResolvers ??= () => { // node 22 has it
  const whole = {}
  whole.promise = new Promise((resolve, reject) => Object.assign(whole, { resolve, reject }))
  return whole
}

const SUITE = 'Noise_XX_25519_ChaChaPoly_SHA256'
const options = JSON.parse(process.argv[2])
const logger = defaultLogger()

class SocketStream extends AbstractMessageStream {
  constructor (socket, direction) {
    super({ log: logger.forComponent('plytalk:socket'), direction })
    this.socket = socket
    socket.on('data', (data) => this.onData(data))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', (error) => this.abort(error))
    socket.on('close', () => this.onTransportClosed())
  }

  sendData (data) {
    return { sentBytes: data.byteLength, canSendMore: this.socket.write(data.subarray()) }
  }

  sendPause () { this.socket.pause() }
  sendResume () { this.socket.resume() }
  sendReset () { this.socket.destroy() }
}

function tell (event, more = {}) {
  process.stdout.write(JSON.stringify({ event, ...more }) + '\n')
}

const u16 = (value) => Uint8Array.of(value >> 8, value & 255)
u16.bytes = 2

function fromU16 (data) {
  if (data.byteLength < 2) {
    throw RangeError('two bytes make a length')
  }
  return data.get(0) * 256 + data.get(1)
}
fromU16.bytes = 2

const list = (...suites) => [suites.length, ...suites.flatMap((suite) => [suite.length, ...Buffer.from(suite)])]

/** The preambles of plytalk/1; the prologue that they make. */
async function preambles (stream) {
  const frames = lpStream(stream, { lengthEncoder: u16, lengthDecoder: fromU16, maxDataLength: 65535 })
  let offer, answer
  if (options.role === 'client') {
    offer = Uint8Array.from([...Buffer.from('PLYTALK1\n'), ...list(SUITE)])
    await frames.write(offer)
    answer = (await frames.read()).subarray()
  } else {
    offer = (await frames.read()).subarray()
    answer = Uint8Array.from([SUITE.length, ...Buffer.from(SUITE), ...list(SUITE)])
    await frames.write(answer)
  }
  frames.unwrap()
  return Buffer.concat([Buffer.from('plytalk/1'), u16(offer.length), offer, u16(answer.length), answer])
}

/** Field 1000 of the payload: until when the proof counts, and a signature over that. */
async function addExpiry (signer, staticKey) {
  const expiry = Buffer.alloc(8)
  expiry.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000) + 48 * 3600))
  const signature = await signer.sign(Buffer.concat([Buffer.from('plytalk/1 static key:'), staticKey, expiry]))
  const field = Buffer.concat([Buffer.from('c23e48', 'hex'), expiry, signature])
  const encode = NoiseHandshakePayload.encode
  NoiseHandshakePayload.encode = (payload) => Buffer.concat([encode(payload), field])
}

async function converse (socket) {
  const stream = new SocketStream(socket, options.role === 'client' ? 'outbound' : 'inbound')
  const own = await generateKeyPair('Ed25519')
  const signer = options.forge ? await generateKeyPair('Ed25519') : own
  const privateKey = { type: own.type, publicKey: own.publicKey, sign: (data) => signer.sign(data) }
  const prologue = options.plytalk ? await preambles(stream) : Buffer.from(options.prologue, 'hex')
  const components = { logger, privateKey, peerId: peerIdFromPrivateKey(own), upgrader: { getStreamMuxers: () => new Map() } }
  const encrypter = noise({ prologueBytes: prologue })(components)
  if (options.plytalk) {
    await addExpiry(signer, encrypter.staticKey.publicKey)
    // the library's own handshake, without the extensions that its class always adds
    const bare = (perform) => (connection, privateKey, log) =>
      perform({ connection, privateKey, log, crypto: encrypter.crypto, prologue, s: encrypter.staticKey })
    encrypter.performHandshakeInitiator = bare(performHandshakeInitiator)
    encrypter.performHandshakeResponder = bare(performHandshakeResponder)
  }
  const secured = await (options.role === 'client' ? encrypter.secureOutbound(stream) : encrypter.secureInbound(stream))
  const raw = (key) => Buffer.from(key.raw).toString('hex')
  secured.connection.addEventListener('message', ({ data }) => {
    tell('record', { data: Buffer.from(data.subarray()).toString('hex') })
  })
  secured.connection.addEventListener('close', ({ error }) => tell('closed', { error: error?.message }))
  tell('open', { own: raw(own.publicKey), peer: raw(secured.remotePeer.publicKey) })
  return secured.connection
}

const meet = (socket) => {
  const talking = converse(socket)
  talking.catch((error) => {
    tell('failed', { name: error.name, why: error.message })
    socket.destroy()
  })
  const orders = createInterface({ input: process.stdin })
  orders.on('line', async (line) => {
    const order = JSON.parse(line)
    const connection = await talking
    if (order.send) {
      connection.send(Buffer.from(order.send, 'hex'))
    } else {
      socket.end()
    }
  })
  orders.on('close', () => process.exit(0))
}

if (options.role === 'client') {
  const socket = net.connect(options.port, '127.0.0.1', () => meet(socket))
} else {
  const server = net.createServer((socket) => {
    server.close()
    meet(socket)
  })
  server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }))
}
