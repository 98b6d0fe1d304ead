// One upload, or one stretch of it, by tus-js-client. What is worth knowing is printed, one fact a line: `name value`.
//
// Bytes leave at a pace, so that "in the middle" means something on one machine too. The client itself is as it comes: only the
// stream it hands to its HTTP stack is slowed, and counted.
'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { PassThrough, Readable, Transform } = require('node:stream')
const { parseArgs } = require('node:util')

// From NODE_PATH: packages are kept out of the repository.
const tus = require('tus-js-client')

const PIECE = 64 * 1024

const { values: args } = parseArgs({
  options: {
    endpoint: { type: 'string' },
    file: { type: 'string' },
    // Where the client keeps the addresses of its uploads between two processes.
    memory: { type: 'string' },
    // Goes on with this upload, whoever began it.
    url: { type: 'string' },
    // Looks into its memory and goes on from there; it is an error if nothing is there.
    resume: { type: 'boolean', default: false },
    // Ends after so many bytes of this process: by abort, kill or terminate.
    'break-after': { type: 'string' },
    how: { type: 'string', default: 'abort' },
    chunk: { type: 'string' },
    parallel: { type: 'string', default: '1' },
    'defer-length': { type: 'boolean', default: false },
    'during-creation': { type: 'boolean', default: false },
    'override-method': { type: 'boolean', default: false },
    protocol: { type: 'string', default: 'tus-v1' },
    // Gives the client a buffer. Given a file, this version never tells a draft's server which piece is the last.
    'in-memory': { type: 'boolean', default: false },
    // Bytes a second.
    pace: { type: 'string', default: '16000000' },
  },
})

const token = process.env.INTEROP_TOKEN
const breakAfter = args['break-after'] === undefined ? Infinity : Number(args['break-after'])
let sent = 0
let upload

// To the file at once: a process that is killed has said everything up to then.
const fact = (name, value) => fs.writeSync(1, `${name} ${value}\n`)

function breakOff() {
  fact('sent', sent)
  if (args.how === 'kill') process.kill(process.pid, 'SIGKILL')
  upload
    .abort(args.how === 'terminate')
    .then(() => fact('ended', args.how))
    .then(() => process.exit(0), fail)
}

// Pieces of equal size at equal intervals; after `breakAfter` bytes nothing more leaves.
function paced(body) {
  const interval = (PIECE * 1000) / Number(args.pace)
  const slow = new Transform({
    transform(piece, _encoding, done) {
      if (sent >= breakAfter) return
      sent += piece.length
      this.push(piece)
      if (sent >= breakAfter) breakOff()
      else setTimeout(done, (interval * piece.length) / PIECE)
    },
  })
  // What the client takes from the stream beside its bytes.
  slow.size = body.size
  return (body instanceof Readable ? body : Readable.from(pieces(body))).pipe(slow)
}

function* pieces(buffer) {
  for (let at = 0; at < buffer.length; at += PIECE) yield buffer.subarray(at, at + PIECE)
}

class PacedStack {
  constructor() {
    this.inner = new tus.DefaultHttpStack({})
  }

  createRequest(method, url) {
    const request = this.inner.createRequest(method, url)
    const send = request.send.bind(request)
    request.send = (body) => send(body?.size ? paced(body) : body)
    return request
  }

  getName() {
    return 'PacedStack'
  }
}

function fail(error) {
  const response = error.originalResponse
  if (response) fact('status', response.getStatus())
  fact('error', String(error.message).replaceAll('\n', ' '))
  process.exit(1)
}

function heard(request, response) {
  fact('answer', `${request.getMethod()} ${response.getStatus()} ${request.getURL()}`)
  const told = (name, field) => {
    const value = response.getHeader(field)
    if (value !== undefined) fact(name, value)
  }
  if (request.getMethod() === 'HEAD') told('resumed-from', 'Upload-Offset')
  told('expires', 'Upload-Expires')
  told('asset', 'Content-Location')
}

const options = {
  endpoint: args.endpoint,
  uploadUrl: args.url,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { filename: path.basename(args.file), title: 'Interop' },
  chunkSize: args.chunk === undefined ? Infinity : Number(args.chunk),
  parallelUploads: Number(args.parallel),
  uploadLengthDeferred: args['defer-length'],
  uploadDataDuringCreation: args['during-creation'],
  overridePatchMethod: args['override-method'],
  protocol: args.protocol,
  // What goes wrong is to be seen, not to be tried again.
  retryDelays: null,
  httpStack: new PacedStack(),
  onUploadUrlAvailable: () => fact('url', upload.url),
  onAfterResponse: heard,
  onError: fail,
  onSuccess: () => {
    fact('url', upload.url)
    fact('sent', sent)
    fact('ended', 'success')
    process.exit(0)
  },
}
if (args.memory) options.urlStorage = new tus.FileUrlStorage(args.memory)

function source() {
  if (args['in-memory']) return fs.readFileSync(args.file)
  const file = fs.createReadStream(args.file)
  // A length that is not known yet is that of a stream, not of a file.
  return args['defer-length'] ? file.pipe(new PassThrough()) : file
}

async function run() {
  upload = new tus.Upload(source(), options)
  if (args.resume) {
    const [previous] = await upload.findPreviousUploads()
    if (!previous) throw new Error('the client has no memory of this upload')
    upload.resumeFromPreviousUpload(previous)
  } else if (args.url) {
    // Without it the client would begin anew where it cannot go on, and that would look like success.
    options.endpoint = upload.options.endpoint = null
  }
  upload.start()
}

run().catch(fail)
