// Apache Kafka's own Java client: both group protocols.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

public final class Client {
    static final String BOOTSTRAP = System.getenv("BOOTSTRAP");
    static final String TOPIC = name("topic"), NEXT = name("next"), OTHER = name("other"), OUT = name("out");
    static final String GROUP = name("group");
    static final Admin ADMIN = Admin.create(Map.of("bootstrap.servers", BOOTSTRAP));

    static String name(String what) {
        return System.getenv("RUN") + "-" + what;
    }

    interface Body {
        void run() throws Exception;
    }

    // Prints `step NAME SECONDS`, which run.sh reads; an error ends the program.
    static void step(String name, Body body) {
        long start = System.nanoTime();
        try {
            body.run();
        } catch (Throwable error) {
            System.out.println("step " + name + " FAILED");
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
        System.out.printf(Locale.ROOT, "step %s %.1f%n", name, (System.nanoTime() - start) / 1e9);
    }

    static void equal(Object found, Object wanted, String what) {
        if (!Objects.equals(found, wanted)) throw new AssertionError(what + ": " + found + " instead of " + wanted);
    }

    static void await(String what, Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.call()) {
            if (System.nanoTime() > deadline) throw new AssertionError("not within 60 s: " + what);
            Thread.sleep(50);
        }
    }

    static KafkaProducer<String, String> producer(String... settings) {
        return new KafkaProducer<>(settings(settings), new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(String... settings) {
        return new KafkaConsumer<>(settings(settings), new StringDeserializer(), new StringDeserializer());
    }

    static Map<String, Object> settings(String... settings) {
        var all = new HashMap<String, Object>(Map.of("bootstrap.servers", BOOTSTRAP));
        for (int i = 0; i < settings.length; i += 2) all.put(settings[i], settings[i + 1]);
        return all;
    }

    static List<String> values(int from, int to) {
        return IntStream.range(from, to).mapToObj(i -> "value " + i).toList();
    }

    static void produce(String topic, int from, int to) throws Exception {
        String[] codecs = {"none", "gzip", "snappy", "lz4", "zstd"};
        int share = (to - from) / codecs.length;
        for (int n = 0; n < codecs.length; n++) {
            var sent = new ArrayList<Future<RecordMetadata>>();
            try (var producer = producer("compression.type", codecs[n])) {
                for (int i = from + n * share; i < from + (n + 1) * share; i++) {
                    var header = List.<org.apache.kafka.common.header.Header>of(new RecordHeader("n", ("" + i).getBytes()));
                    sent.add(producer.send(new ProducerRecord<>(topic, null, "k" + i % 50, "value " + i, header)));
                }
            }
            for (var one : sent) one.get();
        }
    }

    // A consumer of a group in its own thread, which commits what it reads.
    static final class Member {
        final List<ConsumerRecord<String, String>> records = new CopyOnWriteArrayList<>();
        final AtomicBoolean ended = new AtomicBoolean();
        final Thread thread;
        volatile Set<Integer> assigned = Set.of();
        volatile Throwable error;

        Member(String topic, String... settings) {
            thread = new Thread(() -> {
                try (var consumer = consumer(settings)) {
                    consumer.subscribe(List.of(topic));
                    var pending = new ArrayList<ConsumerRecord<String, String>>();
                    while (!ended.get()) {
                        consumer.poll(Duration.ofMillis(100)).forEach(pending::add);
                        if (!pending.isEmpty() && commit(consumer)) {
                            records.addAll(pending);
                            pending.clear();
                        }
                        assigned = consumer.assignment().stream().map(TopicPartition::partition).collect(Collectors.toSet());
                    }
                } catch (Throwable e) {
                    error = e;
                    e.printStackTrace();
                }
            });
            thread.start();
        }

        // In the new protocol the epoch of a member may rise while nothing of its
        // own changes; a commit before it hears of that is refused, and is tried again.
        static boolean commit(KafkaConsumer<String, String> consumer) {
            try {
                consumer.commitSync();
                return true;
            } catch (CommitFailedException e) {
                if (e.getMessage().contains("stale member epoch")) return false;
                throw e;
            }
        }

        void close() throws Exception {
            ended.set(true);
            thread.join(60_000);
            if (error != null || thread.isAlive()) throw new AssertionError("the consumer did not close", error);
        }
    }

    static boolean sharedOut(List<Member> members) {
        var owned = members.stream().flatMap(m -> m.assigned.stream()).sorted().toList();
        return owned.equals(List.of(0, 1, 2)) && members.stream().noneMatch(m -> m.assigned.isEmpty());
    }

    // Exactly those records, in order for each key.
    static void check(List<Member> members, int from, int to) throws Exception {
        await((to - from) + " records", () -> members.stream().mapToInt(m -> m.records.size()).sum() >= to - from
            || members.stream().anyMatch(m -> m.error != null));
        var last = new HashMap<String, Integer>();
        var seen = new ArrayList<Integer>();
        for (var member : members) {
            for (var r : member.records) {
                int i = Integer.parseInt(r.value().substring(6));
                seen.add(i);
                equal(r.key(), "k" + i % 50, "key");
                equal(new String(r.headers().lastHeader("n").value()), "" + i, "header");
                var before = last.put(r.key(), i);
                if (before != null && before > i) throw new AssertionError(r.key() + " has record " + i + " after " + before);
            }
            member.records.clear();
        }
        var missing = IntStream.range(from, to).boxed().filter(i -> !seen.contains(i)).toList();
        equal(missing, List.of(), "records that are missing");
        equal(seen.size(), to - from, "the number of records");
    }

    // Two members, a third joins, one leaves, and a new one resumes from the commit.
    static void groupOfThree(String topic, String group, String protocol) throws Exception {
        String[] settings = {"group.id", group, "auto.offset.reset", "earliest", "group.protocol", protocol};
        var members = new ArrayList<>(List.of(new Member(topic, settings), new Member(topic, settings)));
        await("two members share the topic", () -> sharedOut(members));
        produce(topic, 0, 1000);
        check(members, 0, 1000);
        members.add(new Member(topic, settings));
        await("three members share the topic", () -> sharedOut(members));
        produce(topic, 1000, 1300);
        check(members, 1000, 1300);
        members.remove(0).close();
        await("the two that stay share the topic", () -> sharedOut(members));
        produce(topic, 1300, 1400);
        check(members, 1300, 1400);
        await("a stable group of two", () -> {
            var described = ADMIN.describeConsumerGroups(List.of(group)).all().get().get(group);
            equal(described.type().toString().toLowerCase(), protocol, "its type");
            return described.groupState() == GroupState.STABLE && described.members().size() == 2;
        });
        for (var member : members) member.close();
        produce(topic, 1400, 1500);
        var resumed = List.of(new Member(topic, settings));
        check(resumed, 1400, 1500);
        resumed.get(0).close();
    }

    // What partition 0 of the topic holds; one more poll sees that it is all.
    static List<String> read(String topic, int count, String isolation) throws Exception {
        try (var consumer = consumer("isolation.level", isolation)) {
            var partition = List.of(new TopicPartition(topic, 0));
            consumer.assign(partition);
            consumer.seekToBeginning(partition);
            var values = new ArrayList<String>();
            await(count + " records of " + topic, () -> {
                consumer.poll(Duration.ofMillis(200)).forEach(r -> values.add(r.value()));
                return values.size() >= count;
            });
            consumer.poll(Duration.ofMillis(500)).forEach(r -> values.add(r.value()));
            return values;
        }
    }

    static long offset(OffsetSpec spec) throws Exception {
        var partition = new TopicPartition(OTHER, 0);
        return ADMIN.listOffsets(Map.of(partition, spec)).partitionResult(partition).get().offset();
    }

    static void transactions() throws Exception {
        try (var producer = producer("transactional.id", name("tx"));
                var input = consumer("group.id", GROUP, "auto.offset.reset", "earliest", "enable.auto.commit", "false")) {
            producer.initTransactions();
            producer.beginTransaction();
            for (var v : values(0, 10)) producer.send(new ProducerRecord<>(OUT, 0, null, v));
            producer.commitTransaction();
            producer.beginTransaction();
            for (var v : values(10, 20)) producer.send(new ProducerRecord<>(OUT, 0, null, v));
            producer.flush();
            producer.abortTransaction();
            input.subscribe(List.of(OTHER));
            var records = new ArrayList<String>();
            await("input", () -> {
                input.poll(Duration.ofMillis(200)).forEach(r -> records.add(r.value()));
                return records.size() >= 6;
            });
            producer.beginTransaction();
            for (var v : records) producer.send(new ProducerRecord<>(OUT, 0, null, "new " + v));
            producer.sendOffsetsToTransaction(Map.of(new TopicPartition(OTHER, 0), new OffsetAndMetadata(10)), input.groupMetadata());
            producer.commitTransaction();
            var partition = new TopicPartition(OTHER, 0);
            await("offsets committed with the transaction", () -> {
                var found = input.committed(Set.of(partition)).get(partition);
                return found != null && found.offset() == 10;
            });
            // A second producer with the same id fences the first.
            try (var second = producer("transactional.id", name("tx"))) {
                second.initTransactions();
                producer.beginTransaction();
                try {
                    producer.send(new ProducerRecord<>(OUT, 0, null, "fenced")).get();
                    throw new AssertionError("the first producer is not fenced");
                } catch (ExecutionException e) {
                    boolean fenced = e.getCause() instanceof InvalidProducerEpochException || e.getCause() instanceof ProducerFencedException;
                    equal(fenced, true, "fenced by " + e.getCause());
                }
            }
        }
        var transformed = values(4, 10).stream().map(v -> "new " + v);
        var committed = Stream.concat(values(0, 10).stream(), transformed).toList();
        equal(read(OUT, 16, "read_committed"), committed, "committed");
        equal(read(OUT, 26, "read_uncommitted").size(), 26, "all");
    }

    public static void main(String[] arguments) {
        step("topic", () -> {
            ADMIN.createTopics(List.of(
                new NewTopic(TOPIC, 3, (short) 1), new NewTopic(NEXT, 3, (short) 1),
                new NewTopic(OTHER, 1, (short) 1), new NewTopic(OUT, 1, (short) 1))).all().get();
            await("metadata", () -> {
                try {
                    return ADMIN.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().size() == 3;
                } catch (ExecutionException e) {
                    return false;
                }
            });
            ADMIN.createPartitions(Map.of(OTHER, NewPartitions.increaseTo(2))).all().get();
            equal(ADMIN.describeCluster().nodes().get().size(), 1, "nodes");
        });
        step("group", () -> groupOfThree(TOPIC, GROUP, "classic"));
        step("group-848", () -> groupOfThree(NEXT, name("group-848"), "consumer"));
        step("groups", () -> {
            for (var group : List.of(GROUP, name("group-848"))) {
                Callable<Boolean> listed = () -> ADMIN.listGroups().all().get().stream().anyMatch(g -> g.groupId().equals(group));
                equal(listed.call(), true, "listed");
                var offsets = ADMIN.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
                equal(offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum(), 1500L, "committed");
                ADMIN.deleteConsumerGroups(List.of(group)).all().get();
                equal(listed.call(), false, "listed after its end");
            }
        });
        step("offsets", () -> {
            long start = System.currentTimeMillis() - 3_600_000;
            try (var producer = producer()) {
                for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(OTHER, 0, start + i * 1000L, null, "value " + i));
            }
            equal(offset(OffsetSpec.forTimestamp(start + 4500)), 5L, "offset at 4.5 s");
            equal(offset(OffsetSpec.forTimestamp(start + 10_000)), -1L, "offset after the last");
            equal(List.of(offset(OffsetSpec.earliest()), offset(OffsetSpec.latest()), offset(OffsetSpec.maxTimestamp())), List.of(0L, 10L, 9L), "ends");
        });
        step("delete-records", () -> {
            ADMIN.deleteRecords(Map.of(new TopicPartition(OTHER, 0), RecordsToDelete.beforeOffset(4))).all().get();
            equal(offset(OffsetSpec.earliest()), 4L, "first offset");
            equal(read(OTHER, 6, "read_uncommitted"), values(4, 10), "what is left");
        });
        step("transactions", Client::transactions);
        step("configs", () -> {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
            var set = new AlterConfigOp(new ConfigEntry("retention.ms", "123456789"), AlterConfigOp.OpType.SET);
            ADMIN.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get();
            await("the new retention", () ->
                ADMIN.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value().equals("123456789"));
        });
        step("delete", () -> {
            ADMIN.deleteTopics(List.of(TOPIC, NEXT, OTHER, OUT)).all().get();
            await("the topics are gone", () -> Collections.disjoint(ADMIN.listTopics().names().get(), List.of(TOPIC, NEXT, OTHER, OUT)));
            ADMIN.close();
        });
    }
}
