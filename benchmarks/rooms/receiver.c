/* The load: every member of a room in one process. It joins them, lets member 0 speak, and holds what each gets against what was said.
 *
 *   receiver PARSER SECURITY PORT MEMBERS TRAITS HELLO MARKER PREFIX SUFFIX    (peers.py says what each server takes)
 *
 *   PARSER    lines, websocket or plytalk: how a message's borders are found
 *   SECURITY  plain, tls, or starttls (TLS begins behind the server's first line)
 *   PORT      of this machine. plytalk: the descriptor over which sockets come after their handshake (SCM_RIGHTS), each with the
 *             keys to seal and to open, 32 bytes each
 *   TRAITS    "echo": the server sends a message to its sender too. "apart": each message has to be written by itself, for the server
 *             takes what it reads at once for one message and names the sender but once; every message has to come with its sender
 *   HELLO     what a member says to join; its number fills in what printf would. MARKER is in the answer when it is in
 *   PREFIX    stands before a message, with the message's length filled in; SUFFIX behind it
 *
 * It prints `joined SECONDS`, then answers each line `run SIZE FLIGHT SECONDS` with one of figures. The end of its input ends it.
 * While it measures it asks for events without sleeping, so that no server pays for waking it, unless none comes for 0.2 ms: then a
 * busy machine may need the core. The share of the time in which there was something to do is its `busy`.
 */
#include "member.h"

/* -- messages -------------------------------------------------------------------------------------------------------- */

/* A message has come to a member: it must be, byte for byte, the one that follows the last. */
static void deliver(Member *m, const char *text, size_t length) {
    uint64_t slot = m->next % FLIGHT;
    if (m->next == sent || length != size || memcmp(text, said[slot], size))
        die("Member %d got `%.*s` and not message %llu.", m->number, (int)length, text, (unsigned long long)m->next);
    m->next++;
    if (--left[slot]) return;
    if (measured < LATENCIES) latencies[measured++] = (float)(now() - sent_at[slot]);
    completed++;
}

static void say(int flight) {
    static char out[FLIGHT * (SIZE + 64)];
    char *at = plytalk ? plain : out, *start = at, head[64] = "";
    if (!plytalk && !websocket) snprintf(head, sizeof head, prefix, (int)size);
    for (double t = now(); sent - completed < (uint64_t)flight; sent++) {
        char *text = said[sent % FLIGHT];
        memset(text, '.', size);
        text[snprintf(text, size, "@%012llu", (unsigned long long)sent)] = ' ';
        sent_at[sent % FLIGHT] = t, left[sent % FLIGHT] = count - !echo;
        if (plytalk) {
            at = item(at, 1, text, size);
            continue;
        }
        if (websocket)  /* RFC 6455, section 5.2: a text frame; the mask of zeros changes nothing */
            at += size < 126 ? sprintf(at, "\x81%c", (int)(128 | size)) : sprintf(at, "\x81\xfe%c%c", (int)(size >> 8), (int)(size & 255)),
                memset(at, 0, 4), at += 4;
        else
            at = stpcpy(at, head);
        memcpy(at, text, size);
        at = stpcpy(at + size, suffix);
        if (apart) {
            push(&members[0], start, (size_t)(at - start));
            at = start;
        }
    }
    if (at == start) return;
    if (plytalk) push_record(&members[0], (size_t)(at - start));
    else push(&members[0], start, (size_t)(at - start));
}

static int is_in(Member *m, const char *from, size_t length) {
    if (!memmem(from, length, marker, strlen(marker))) return 0;
    m->state = MEMBER;
    joined++;
    return 1;
}

/* Text protocols end whatever they say with a newline, and no message has one in it: what a server puts before it does not matter. */
static size_t parse_lines(Member *m, const char *from, size_t length) {
    const char *at = from, *end = from + length, *newline;
    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        const char *over = newline > at && newline[-1] == '\r' ? newline - 1 : newline;
        if ((size_t)(over - at) >= size && size && over[-(ssize_t)size] == '@') {
            if (apart && over - size == at) die("A message came to member %d without its sender.", m->number);
            deliver(m, over - size, size);
        }
        at = newline + 1;
    }
    return (size_t)(at - from);
}

static size_t parse_websocket(Member *m, const char *from, size_t length) {
    const unsigned char *at = (const unsigned char *)from, *end = at + length;
    while (end - at >= 2) {
        size_t head = at[1] == 126 ? 4 : 2, body = at[1];
        if (at[1] > 126) die("A frame came that no message here is long enough for.");
        if ((size_t)(end - at) < head) break;
        if (head == 4) body = (size_t)at[2] << 8 | at[3];
        if ((size_t)(end - at) < head + body) break;
        if (at[0] == 0x81) deliver(m, (const char *)at + head, body);
        at += head + body;
    }
    return (size_t)((const char *)at - from);
}

static void parse_items(Member *m, const unsigned char *at, const unsigned char *end) {
    while (end - at >= 3 && at[0]) {
        const unsigned char *body = at + 3;
        at = body + (at[1] << 8 | at[2]);
        if (at > end) die("A record ends in the middle of an item.");
        if (body[-3] == 9 && body[16] == 1) {  /* an event: id, time, kind (1: said), marks, key, name; then the text */
            const unsigned char *name = body + 19 + body[18], *text = name + 1 + name[0];
            deliver(m, (const char *)text, (size_t)(at - text));
        }
    }
}

static size_t parse_plytalk(Member *m, const char *from, size_t length) {
    const unsigned char *at = (const unsigned char *)from, *end = at + length;
    while (end - at >= 2) {
        size_t frame = (size_t)(at[0] << 8 | at[1]);
        if ((size_t)(end - at) < 2 + frame) break;
        if (frame < TAG) die("A frame came that is too short for a record.");
        apply(&m->in, 0, (const char *)at + 2, frame - TAG, plain);
        if (m->state == MEMBER || !is_in(m, plain, frame - TAG))
            parse_items(m, (unsigned char *)plain, (unsigned char *)plain + frame - TAG);
        at += 2 + frame;
    }
    return (size_t)((const char *)at - from);
}

/* -- joining --------------------------------------------------------------------------------------------------------- */

static void greet(Member *m) {
    char text[512];
    snprintf(text, sizeof text, hello, m->number, m->number);
    m->state = JOINING;
    if (plytalk) push_record(m, (size_t)(item(plain, 8, text, strlen(text)) - plain));
    else push(m, text, strlen(text));
}

static void watch(Member *m) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = m};
    int one = 1;
    setsockopt(m->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(m->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, m->fd, &event)) die("A socket cannot be watched: %s.", strerror(errno));
}

static void handshake(Member *m) {
    m->state = HANDSHAKE;
    if (!m->ssl) {
        m->ssl = SSL_new(tls);
        SSL_set_fd(m->ssl, m->fd);
    }
    int result = SSL_connect(m->ssl);
    if (result == 1) greet(m);
    else if (SSL_get_error(m->ssl, result) != SSL_ERROR_WANT_READ) die("The TLS handshake of member %d failed.", m->number);
}

static void start(Member *m) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    m->number = started++;
    m->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(m->fd, (struct sockaddr *)&to, sizeof to)) die("Member %d cannot connect: %s.", m->number, strerror(errno));
    watch(m);
    if (starttls) m->state = FIRST_LINE;
    else if (tls) handshake(m);
    else greet(m);
}

static void take_over(void) {
    char keys[2 * KEY], control[CMSG_SPACE(sizeof(int))];
    struct iovec data = {.iov_base = keys, .iov_len = sizeof keys};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(port, &message, 0) != sizeof keys || !CMSG_FIRSTHDR(&message)) die("There are no more sockets to come.");
    Member *m = &members[started];
    m->number = started++;
    memcpy(&m->fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
    direction(&m->out, keys), direction(&m->in, keys + KEY);
    m->in.n = 1, m->in.room -= 64 + TAG;  /* the first record let us in, and has been read already */
    watch(m);
    greet(m);
}

/* -- the loop -------------------------------------------------------------------------------------------------------- */

static void readable(Member *m) {
    if (m->state == FIRST_LINE && pull(m, received, sizeof received)) {  /* the server says no more than this line */
        handshake(m);
        return;
    }
    if (m->state == HANDSHAKE) handshake(m);
    if (m->state < JOINING) return;
    if (m->kept) memcpy(received, m->rest, m->kept);
    size_t length = m->kept + pull(m, received + m->kept, sizeof received - m->kept), used = 0;
    if (m->state == JOINING && !plytalk && is_in(m, received, length) && websocket) used = length;  /* the HTTP answer */
    if (m->state == MEMBER || plytalk)
        used += (plytalk ? parse_plytalk : websocket ? parse_websocket : parse_lines)(m, received + used, length - used);
    m->kept = length - used;
    if (m->kept) {
        if (m->kept > sizeof received / 2) die("A message for member %d never ends.", m->number);
        m->rest = realloc(m->rest, m->kept);
        memcpy(m->rest, received + used, m->kept);
    }
}

/* Handle what has come, at most EVENTS sockets: how many there were, or -1 where there was an order too. */
static int turn(int timeout) {
    static struct epoll_event events[EVENTS];
    int ordered = 0, n = epoll_wait(epoll, events, EVENTS, timeout);
    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == &started) take_over();
        else if (events[i].data.ptr == NULL) ordered = 1;
        else readable(events[i].data.ptr);
    }
    return ordered ? -1 : n;
}

static void join(void) {
    double begin = now();
    while (joined < count) {
        while (!plytalk && started < count && started - joined < AT_ONCE) start(&members[started]);
        if (!turn(SILENCE * 1000)) die("%d of %d members are in, and nothing more comes.", joined, count);
    }
    printf("joined %.6f\n", now() - begin);
}

static int smaller(const void *a, const void *b) { return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b); }

static void run(int flight, double seconds) {
    double begin = now(), end = begin + seconds, idle = 0, t = begin, heard = begin;
    uint64_t first = completed;
    measured = 0;
    while (t < end || completed < sent) {
        if (t < end) {
            say(flight);
            t = now();
        }
        int n = turn(t - heard < PATIENCE ? 0 : 1);
        double after = now();
        if (n) heard = after;
        else idle += after - t;
        if (after - heard > SILENCE) die("Message %llu has not come to all members.", (unsigned long long)completed);
        t = after;
    }
    qsort(latencies, measured, sizeof *latencies, smaller);
    printf("{\"messages\": %llu, \"seconds\": %.9f, \"p50\": %.9f, \"p99\": %.9f, \"busy\": %.4f}\n",
           (unsigned long long)(completed - first), t - begin, latencies[measured / 2], latencies[measured * 99 / 100],
           1 - idle / (t - begin));
}

static void watch_descriptor(int fd, void *as) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = as};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    char line[256];
    int flight;
    double seconds;
    if (argc != 10) die("receiver PARSER SECURITY PORT MEMBERS TRAITS HELLO MARKER PREFIX SUFFIX");
    plytalk = !strcmp(argv[1], "plytalk"), websocket = !strcmp(argv[1], "websocket"), starttls = !strcmp(argv[2], "starttls");
    port = atoi(argv[3]), count = atoi(argv[4]), echo = !!strstr(argv[5], "echo"), apart = !!strstr(argv[5], "apart");
    hello = argv[6], marker = argv[7], prefix = argv[8], suffix = argv[9];
    if (!plytalk && strcmp(argv[2], "plain")) {
        tls = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_256_GCM_SHA384");
        SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_read_ahead(tls, 1);  /* one system call for as much as is there */
        SSL_CTX_set_default_read_buffer_len(tls, 1 << 15);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    members = calloc((size_t)count, sizeof *members);
    epoll = epoll_create1(0);
    if (plytalk) watch_descriptor(port, &started);
    join();
    if (plytalk) epoll_ctl(epoll, EPOLL_CTL_DEL, port, NULL);
    watch_descriptor(0, NULL);
    for (;;) {
        if (turn(-1) >= 0) continue;
        if (!fgets(line, sizeof line, stdin)) return 0;
        if (sscanf(line, "run %zu %d %lf", &size, &flight, &seconds) != 3 || size < 14 || size > SIZE || flight < 1 || flight > FLIGHT)
            die("No such order: %s", line);
        run(flight, seconds);
    }
}
