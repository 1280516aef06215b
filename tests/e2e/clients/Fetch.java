/* Fetch HOST: fetches /hello with a URLConnection, with a blocking channel and
 * with a non-blocking one; prints the three answers. */
import java.net.InetSocketAddress;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;

class Fetch {
	public static void main(String[] args) throws Exception {
		String host = args[0];
		byte[] page = new URL("http://" + host + "/hello").openStream().readAllBytes();
		System.out.print("URL " + new String(page));
		try (SocketChannel channel = SocketChannel.open(new InetSocketAddress(host, 80))) {
			System.out.print("channel " + talk(channel, host));
		}
		try (SocketChannel channel = SocketChannel.open(); Selector selector = Selector.open()) {
			channel.configureBlocking(false);
			channel.register(selector, SelectionKey.OP_CONNECT);
			if (!channel.connect(new InetSocketAddress(host, 80))) {
				while (!channel.finishConnect())
					selector.select();
			}
			selector.close();
			channel.configureBlocking(true);
			System.out.print("selector " + talk(channel, host));
		}
	}

	static String talk(SocketChannel channel, String host) throws Exception {
		String request = "GET /hello HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
		channel.write(ByteBuffer.wrap(request.getBytes()));
		StringBuilder answer = new StringBuilder();
		ByteBuffer part = ByteBuffer.allocate(4096);
		while (channel.read(part) >= 0) {
			answer.append(new String(part.array(), 0, part.position()));
			part.clear();
		}
		return answer.substring(answer.indexOf("\r\n\r\n") + 4);
	}
}
