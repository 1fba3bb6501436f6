/* A member of the load generator (receiver.c): its connection, and the bytes that go in and out. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FLIGHT = 1024, SIZE = 4096, ROOM = 1 << 18, EVENTS = 256, AT_ONCE = 16, LATENCIES = 1 << 22, SILENCE = 10 };
enum { REKEY_RECORDS = 1 << 20, REKEY_BYTES = 1 << 30, TAG = 16, KEY = 32 };  /* docs/protocol.md, section 4 */
static const double PATIENCE = 0.0002;  /* seconds */
typedef enum { FIRST_LINE, HANDSHAKE, JOINING, MEMBER } State;
typedef struct {
    EVP_CIPHER_CTX *aead;
    uint64_t n, last;
    int64_t room;
} Direction;
typedef struct {
    int fd, number;
    State state;
    SSL *ssl;
    Direction out, in;
    uint64_t next;  /* the message that has to come next */
    char *rest;     /* of a message that has begun */
    size_t kept;
} Member;

static Member *members;
static int count, started, joined, echo, apart, epoll, plytalk, websocket, starttls, port;
static const char *hello, *marker, *prefix, *suffix;
static SSL_CTX *tls;
static char said[FLIGHT][SIZE], received[ROOM], plain[1 << 16];
static int left[FLIGHT];  /* how many have still to get a message */
static double sent_at[FLIGHT];
static float latencies[LATENCIES];
static uint64_t sent, completed, measured;
static size_t size;

static void die(const char *what, ...) {
    va_list rest;
    va_start(rest, what);
    vfprintf(stderr, what, rest);
    fprintf(stderr, "\n");
    ERR_print_errors_fp(stderr);
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* -- bytes in and out ------------------------------------------------------------------------------------------------ */

static size_t pull(Member *m, char *into, size_t space) {
    ssize_t got = 0;
    size_t all = 0;
    do {
        got = m->ssl ? SSL_read(m->ssl, into + all, (int)(space - all)) : recv(m->fd, into, space, 0);
        if (got > 0) all += (size_t)got;
    } while (m->ssl && got > 0 && all < space && SSL_has_pending(m->ssl));
    if (got > 0) return all;
    if (m->ssl ? SSL_get_error(m->ssl, (int)got) != SSL_ERROR_WANT_READ : got == 0 || errno != EAGAIN)
        die("The server has closed the connection of member %d.", m->number);
    return all;
}

static void push(Member *m, const char *from, size_t length) {
    while (length) {
        ssize_t done = m->ssl ? SSL_write(m->ssl, from, (int)length) : send(m->fd, from, length, MSG_NOSIGNAL);
        if (done > 0) {
            from += done;
            length -= (size_t)done;
        } else if (m->ssl ? SSL_get_error(m->ssl, (int)done) != SSL_ERROR_WANT_WRITE : errno != EAGAIN)
            die("The server takes nothing from member %d any more.", m->number);
    }
}

static void direction(Direction *d, const char *key) {
    d->aead = EVP_CIPHER_CTX_new();
    EVP_CipherInit_ex(d->aead, EVP_aes_256_gcm(), NULL, (const unsigned char *)key, NULL, 1);
    d->last = REKEY_RECORDS, d->room = REKEY_BYTES, d->n = 0;
}

/* A record, sealed (with its tag behind it) or opened; rekeying as sections 4.2 and 11.3 of the Noise specification have it. */
static void apply(Direction *d, int seal, const char *from, size_t length, char *to) {
    unsigned char nonce[12] = {0}, key[KEY + TAG], none[KEY] = {0};
    int n;
    if (d->n == d->last || d->room <= 0) {
        memset(nonce + 4, 255, 8);
        EVP_CipherInit_ex(d->aead, NULL, NULL, NULL, nonce, 1);
        EVP_CipherUpdate(d->aead, key, &n, none, KEY);
        EVP_CipherInit_ex(d->aead, NULL, NULL, key, NULL, 1);
        d->last = d->n + REKEY_RECORDS, d->room = REKEY_BYTES;
    }
    for (int i = 0; i < 8; i++) nonce[11 - i] = (unsigned char)(d->n >> 8 * i);
    EVP_CipherInit_ex(d->aead, NULL, NULL, NULL, nonce, seal);
    if (!seal) EVP_CIPHER_CTX_ctrl(d->aead, EVP_CTRL_AEAD_SET_TAG, TAG, (void *)(from + length));
    EVP_CipherUpdate(d->aead, (unsigned char *)to, &n, (const unsigned char *)from, (int)length);
    if (EVP_CipherFinal_ex(d->aead, key, &n) != 1) die("Record %llu does not open.", (unsigned long long)d->n);
    if (seal) EVP_CIPHER_CTX_ctrl(d->aead, EVP_CTRL_AEAD_GET_TAG, TAG, to + length);
    d->n++, d->room -= (int64_t)length + TAG;
}

/* What stands in `plain`, padded to the next bucket (section 5), as one frame. */
static void push_record(Member *m, size_t length) {
    static const size_t buckets[] = {64, 256, 1024, 4096, 16384, 65519};
    static char frame[2 + (1 << 16)];
    const size_t *bucket = buckets;
    while (*bucket < length) bucket++;
    memset(plain + length, 0, *bucket - length);
    frame[0] = (char)((*bucket + TAG) >> 8), frame[1] = (char)(*bucket + TAG);
    apply(&m->out, 1, plain, *bucket, frame + 2);
    push(m, frame, 2 + *bucket + TAG);
}

static char *item(char *to, int type, const char *body, size_t length) {
    to[0] = (char)type, to[1] = (char)(length >> 8), to[2] = (char)length;
    memcpy(to + 3, body, length);
    return to + 3 + length;
}
