import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/** Datagram HOST PORT TEXT: says it in a datagram to an echo, in several ways. */
class Datagram {
	static void print(String way, byte[] data, int length, SocketAddress from) {
		System.out.println(way + " " + new String(data, 0, length) + " from "
			+ ((InetSocketAddress) from).getPort());
	}

	static void socket(InetSocketAddress to, byte[] text, boolean connected) throws Exception {
		try (DatagramSocket socket = new DatagramSocket()) {
			DatagramPacket in = new DatagramPacket(new byte[2000], 2000);
			socket.setSoTimeout(20000);
			if (connected)
				socket.connect(to);
			socket.send(new DatagramPacket(text, text.length, to));
			socket.receive(in);
			print(connected ? "connected" : "socket", in.getData(), in.getLength(),
				in.getSocketAddress());
		}
	}

	static void channel(InetSocketAddress to, byte[] text) throws Exception {
		try (DatagramChannel channel = DatagramChannel.open(); Selector selector = Selector.open()) {
			ByteBuffer in = ByteBuffer.allocate(2000);
			channel.configureBlocking(false);
			channel.register(selector, SelectionKey.OP_READ);
			channel.send(ByteBuffer.wrap(text), to);
			selector.select(20000);
			SocketAddress from = channel.receive(in);
			print("channel", in.array(), in.position(), from);
		}
	}

	public static void main(String[] arguments) throws Exception {
		InetSocketAddress to = new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]));
		byte[] text = arguments[2].getBytes();
		socket(to, text, false);
		socket(to, text, true);
		channel(to, text);
	}
}
